"""Refuses what would exceed a board's limits; each method works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Final

from tidemill.board.board_errors import WipLimitReached
from tidemill.board.board_settings.models import LaneField, Rules
from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.contract import ProjectId
from tidemill.board.item_kinds.models import WorkItemType
from tidemill.board.swim_lanes.repository import LaneRepository
from tidemill.board.work_items.limiting.models import PARAMS, InColumn, Place, WithPerson, places_of
from tidemill.board.work_items.limiting.repository import WipLimitRepository
from tidemill.board.work_items.models import WorkItem
from tidemill.core.ports import Tx

kept_max: Final = 512


class WipLimits:
    """Limits of projects that enforce some; of others it costs nothing.

    Each change of settings gives them another id, under which they never change: what was read
    once is kept, and nobody need be told.
    """

    def __init__(self) -> None:
        self._settings = BoardSettingsRepository()
        self._places = WipLimitRepository()
        self._lanes = LaneRepository()
        self._kept: dict[str, Rules] = {}
        self._lock = Lock()

    def hold(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Return when `new`, which is written, exceeds no limit of a place that `old` had not.

        The last thing of a transaction that waits for others. Raises `WipLimitReached`.
        """
        if new.limits_id is not None:
            self._hold(tx, [(old, new)], new.project_id, new.limits_id)

    def hold_all(self, tx: Tx, items: Iterable[WorkItem]) -> None:
        """Return when new items of one project, which are written, exceed no limit."""
        pairs: list[tuple[WorkItem | None, WorkItem]] = [(None, item) for item in items]
        if pairs and (limits_id := pairs[0][1].limits_id) is not None:
            self._hold(tx, pairs, pairs[0][1].project_id, limits_id)

    def _hold(
        self,
        tx: Tx,
        pairs: Iterable[tuple[WorkItem | None, WorkItem]],
        project_id: ProjectId,
        limits_id: str,
    ) -> None:
        rules = self._rules(tx, project_id, limits_id)
        entered: set[Place] = set()
        for old, new in pairs:
            before = places_of(old, rules, self._epic(tx, old, rules))
            entered |= places_of(new, rules, self._epic(tx, new, rules)) - before
        if not entered:
            return
        self._places.lock(tx, project_id)
        for place in sorted(entered, key=str):
            count = self._places.taken(tx, project_id, place)
            if count > place.limit.items_max:
                raise self._reached(tx, place, count)

    def _epic(self, tx: Tx, item: WorkItem | None, rules: Rules) -> str | None:
        if item is None or rules.lane_field is not LaneField.EPIC:
            return None
        if item.item_type == WorkItemType.EPIC:
            return item.id
        return None if item.parent_id is None else self._places.epic_above(tx, item.parent_id)

    def _reached(self, tx: Tx, place: Place, count: int) -> WipLimitReached:
        limit = place.limit.items_max
        if isinstance(place, InColumn):
            return WipLimitReached(f"The column {place.name}", limit, count, param="status")
        names = self._lanes.lane_names(tx, place.field, [place.value], limit=1)
        name = names[0][2] or names[0][1] if names else place.value
        where = name if isinstance(place, WithPerson) else f"The lane {name}"
        return WipLimitReached(where, limit, count, param=PARAMS[place.field])

    def _rules(self, tx: Tx, project_id: ProjectId, limits_id: str) -> Rules:
        kept = self._kept.get(limits_id)
        if kept is not None:
            return kept
        found = self._settings.find(tx, project_id)
        if found.id is None:
            return Rules()
        with self._lock:
            if len(self._kept) >= kept_max:
                del self._kept[next(iter(self._kept))]
            self._kept[found.id] = found.rules
        return found.rules

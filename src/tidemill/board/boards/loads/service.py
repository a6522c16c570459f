"""Counts what there is of what boards limit; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.board_settings.models import LaneField, Limit, Rules, ShownColumn
from tidemill.board.boards.models import Load, PersonLoad, Tally, totals_of
from tidemill.board.boards.repository import BoardRepository
from tidemill.board.contract import ProjectId
from tidemill.board.filters.conditions import OneOf
from tidemill.board.swim_lanes.repository import LaneRepository
from tidemill.core.ports import Tx

persons_max: Final = 200


class Loads(Struct, frozen=True, kw_only=True):
    """What counts towards the limits of a board."""

    totals: Mapping[str, int] = {}
    lane_limit: Limit | None = None
    by_lane: Mapping[str | None, int] = {}
    persons: tuple[PersonLoad, ...] = ()

    def column(self, column: ShownColumn) -> Load | None:
        """Return what counts in a column, if that is limited."""
        if column.limit is None:
            return None
        count = sum(self.totals.get(status.key, 0) for status in column.statuses)
        return Load(limit=column.limit, count=count)

    def lane(self, value: str | None) -> Load | None:
        """Return what counts in a lane; that of items without a value has no limit."""
        if self.lane_limit is None or value is None:
            return None
        return Load(limit=self.lane_limit, count=self.by_lane.get(value, 0))


class Loading:
    """Loads of a project's columns, lanes and people."""

    def __init__(self) -> None:
        self._boards = BoardRepository()
        self._lanes = LaneRepository()

    def loads(
        self,
        tx: Tx,
        board: tuple[ProjectId, Rules, LaneField | None],
        tallies: Sequence[Tally] | None,
    ) -> Loads:
        """Return what counts towards limits: items of the project, whatever a filter shows of them.

        `board` is a project, its rules and the field of the lanes that are shown; `tallies` are
        those of all items, where they are at hand.
        """
        project_id, rules, field = board
        totals: Mapping[str, int] = {}
        if any(column.limit for column in rules.columns):
            whole = OneOf("project_id", (project_id,))
            every = self._boards.tallies(tx, whole, None) if tallies is None else tallies
            totals = totals_of(every)
        lane_limit = rules.lane_limit if field is rules.lane_field else None
        by_lane: Mapping[str | None, int] = {}
        if lane_limit is not None and field is not None:
            by_lane = self._lanes.started(tx, project_id, field)
        persons: tuple[PersonLoad, ...] = ()
        if rules.person_limit is not None:
            begun = self._lanes.started(tx, project_id, LaneField.ASSIGNEE)
            persons = self._persons(tx, begun, rules.person_limit)
        return Loads(totals=totals, lane_limit=lane_limit, by_lane=by_lane, persons=persons)

    def _persons(
        self, tx: Tx, begun: Mapping[str | None, int], limit: Limit
    ) -> tuple[PersonLoad, ...]:
        ids = sorted(user_id for user_id in begun if user_id is not None)
        named = self._lanes.lane_names(tx, LaneField.ASSIGNEE, ids, limit=persons_max)
        return tuple(
            PersonLoad(user_id=id_, name=name, load=Load(limit=limit, count=begun[id_]))
            for id_, name, _ in named
        )

"""Gives items their ranks, within the transaction that writes them.

Deleted items keep theirs, so that they come back to their places.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.board.contract import ProjectId, WorkItemsReordered
from tidemill.board.ranking.ranks import LENGTH_MAX, between, spread
from tidemill.board.ranking.repository import Ranked, RankRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

_SHORT: Final = 16
_WINDOW_FIRST: Final = 32
_WINDOW_MAX: Final = 512


class Place(Struct, frozen=True):
    """The place right behind a rank, or right ahead of it; None is the start and the end."""

    neighbour: str | None
    is_behind: bool


class Ranking:
    """The order of items in their projects."""

    def __init__(self) -> None:
        self._ranks = RankRepository()

    def lock(self, tx: Tx, project_id: ProjectId) -> None:
        """Let nobody else rank items of the project until the transaction ends."""
        self._ranks.lock(tx, project_id)

    def at_the_end(self, tx: Tx, project_id: ProjectId, count: int = 1) -> list[str]:
        """Return ranks behind all items of a project that this transaction has locked."""
        return spread(self._ranks.last(tx, project_id), None, count)

    def moved(self, tx: Tx, project_id: ProjectId, item: Ranked, place: Place, *, by: Actor) -> str:
        """Return the rank of `item` at a place in its project, which is locked.

        The one that it has, when it stands there already. Where there is no room for a short one,
        ranks around it are made anew, and one fact tells them all.
        """
        item_id, own = item
        low = high = place.neighbour
        if place.is_behind:
            high = _rank(self._ranks.behind(tx, project_id, low, but=item_id))
        else:
            low = _rank(self._ranks.ahead(tx, project_id, high, but=item_id))
        if (low is None or low < own) and (high is None or own < high):
            return own
        rank = between(low, high)
        if len(rank) <= LENGTH_MAX:
            return rank
        return self._made_anew(tx, project_id, (item_id, rank), by)

    def _made_anew(self, tx: Tx, project_id: ProjectId, item: Ranked, by: Actor) -> str:
        window = _WINDOW_FIRST
        while True:
            ranks = self._shorter(tx, project_id, item, window)
            if window >= _WINDOW_MAX or max(len(rank) for _, rank in ranks) <= _SHORT:
                break
            window *= 2
        self._ranks.set_all(tx, ranks)
        tx.record(WorkItemsReordered(project_id=project_id, ranks=tuple(ranks)), by=by)
        return dict(ranks)[item[0]]

    def _shorter(self, tx: Tx, project_id: ProjectId, item: Ranked, window: int) -> list[Ranked]:
        item_id, rank = item
        ahead = self._ranks.ahead(tx, project_id, rank, but=item_id, limit=window + 1)
        behind = self._ranks.behind(tx, project_id, rank, but=item_id, limit=window + 1)
        low = ahead.pop()[1] if len(ahead) > window else None
        high = behind.pop()[1] if len(behind) > window else None
        ids = [*(id_ for id_, _ in reversed(ahead)), item_id, *(id_ for id_, _ in behind)]
        return list(zip(ids, spread(low, high, len(ids)), strict=True))


def _rank(found: list[Ranked]) -> str | None:
    return found[0][1] if found else None

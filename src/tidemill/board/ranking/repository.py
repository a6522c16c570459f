"""The SQL of ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.core.ports import Tx

Ranked = tuple[WorkItemId, str]
"""An item and its rank."""

_LOCK: Final = """
    SELECT id FROM projects WHERE tenant_id = :tenant_id AND id = :project_id FOR NO KEY UPDATE
"""
_LAST: Final = """
    SELECT rank FROM work_items WHERE tenant_id = :tenant_id AND project_id = :project_id
    ORDER BY rank DESC LIMIT 1
"""
_BEHIND: Final = """
    SELECT id, rank FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND rank > :rank AND id <> :but
    ORDER BY rank LIMIT :limit
"""
_AHEAD: Final = """
    SELECT id, rank FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND rank < :rank AND id <> :but
    ORDER BY rank DESC LIMIT :limit
"""
_SET: Final = "UPDATE work_items SET rank = :rank WHERE tenant_id = :tenant_id AND id = :id"

_BEFORE_ALL: Final = ""
_BEHIND_ALL: Final = "~"


class RankRepository:
    """Ranks of all items of a project, deleted ones included."""

    def lock(self, tx: Tx, project_id: ProjectId) -> None:
        """Let nobody else rank items of the project until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_LOCK, project_id=project_id)

    def last(self, tx: Tx, project_id: ProjectId) -> str | None:
        """Return the rank of the last item."""
        row = tx.one(_LAST, project_id=project_id)
        return None if row is None else str(row[0])

    def behind(
        self, tx: Tx, project_id: ProjectId, rank: str | None, *, but: WorkItemId, limit: int = 1
    ) -> list[Ranked]:
        """Return the items behind a rank, None is the start, nearest first, without one item."""
        rows = tx.all(
            _BEHIND, project_id=project_id, rank=rank or _BEFORE_ALL, but=but, limit=limit
        )
        return [(row[0], row[1]) for row in rows]

    def ahead(
        self, tx: Tx, project_id: ProjectId, rank: str | None, *, but: WorkItemId, limit: int = 1
    ) -> list[Ranked]:
        """Return the items ahead of a rank, None is the end, nearest first, without one item."""
        rows = tx.all(_AHEAD, project_id=project_id, rank=rank or _BEHIND_ALL, but=but, limit=limit)
        return [(row[0], row[1]) for row in rows]

    def set_all(self, tx: Tx, ranks: Sequence[Ranked]) -> None:
        """Give items other ranks."""
        # Each rank is that of one item at every moment: first they go out of the way.
        self._set(tx, ((item_id, f"{_BEHIND_ALL}{item_id}") for item_id, _ in ranks))
        self._set(tx, ranks)

    def _set(self, tx: Tx, ranks: Iterable[Ranked]) -> None:
        tx.execute_many(_SET, ({"id": item_id, "rank": rank} for item_id, rank in ranks))

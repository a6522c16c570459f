"""The SQL of critical paths."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflows.models import CLOSED, Category
from tidemill.core.ports import Tx

_OPEN: Final = ", ".join(f"'{category}'" for category in Category if category not in CLOSED)
# The open categories are named, since that is what their index begins with.
OPEN_LINKS: Final = f"""
    SELECT a.id, a.number, a.points, b.id, b.number, b.points FROM work_items AS a
    JOIN dependencies AS d ON d.tenant_id = a.tenant_id AND d.blocking_item_id = a.id
        AND d.dependency_type = 'blocks'
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocked_item_id
    WHERE a.tenant_id = :tenant_id AND a.project_id = :project_id AND a.deleted_at IS NULL
        AND a.status_category IN ({_OPEN})
        AND b.project_id = a.project_id AND b.deleted_at IS NULL
        AND b.status_category IN ({_OPEN})
    LIMIT :limit
"""  # noqa: S608 - constant names of categories

Weighed = tuple[WorkItemId, int, int | None]
"""An item, its number and its points."""


class CriticalPathRepository:
    """What blocks what among the unfinished items of a project."""

    def __init__(self) -> None:
        self._items = WorkItemRepository()

    def links(self, tx: Tx, project_id: ProjectId, *, limit: int) -> list[tuple[Weighed, Weighed]]:
        """Return the links between unfinished items of a project."""
        rows = tx.all(OPEN_LINKS, project_id=project_id, limit=limit)
        return [((row[0], row[1], row[2]), (row[3], row[4], row[5])) for row in rows]

    def items(self, tx: Tx, ids: list[WorkItemId]) -> list[WorkItem]:
        """Return those of the items that are still there, in this order."""
        found = (self._items.find(tx, item_id) for item_id in ids)
        return [item for item in found if item is not None and item.deleted_at is None]

"""The SQL of limits of work in progress."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.swim_lanes.repository import LaneRepository
from tidemill.board.work_items.limiting.models import InColumn, Place
from tidemill.core.ports import Tx, Value

# Two that take the last place at once would each count without the other.
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(
        hashtextextended('wip-limits:' || :tenant_id || ':' || :project_id, 0)
    )
"""
_EPIC: Final = """
    SELECT CASE WHEN up.item_type = 'epic' THEN up.id WHEN high.item_type = 'epic' THEN high.id
        WHEN top.item_type = 'epic' THEN top.id END
    FROM work_items AS up
    LEFT JOIN work_items AS high ON high.tenant_id = up.tenant_id AND high.id = up.parent_id
    LEFT JOIN work_items AS top ON top.tenant_id = high.tenant_id AND top.id = high.parent_id
    WHERE up.tenant_id = :tenant_id AND up.id = :parent_id
"""
_IN_STATUSES: Final = """
    SELECT count(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status IN ({})
        AND deleted_at IS NULL AND archived_at IS NULL
"""


class WipLimitRepository:
    """What is taken of limited places."""

    def __init__(self) -> None:
        self._lanes = LaneRepository()

    def lock(self, tx: Tx, project_id: ProjectId) -> None:
        """Let nobody else take limited places of a project until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_ALONE, project_id=project_id)

    def epic_above(self, tx: Tx, parent_id: WorkItemId) -> str | None:
        """Return the epic that an item below `parent_id` belongs to."""
        row = tx.one(_EPIC, parent_id=parent_id)
        return row[0] if row else None

    def taken(self, tx: Tx, project_id: ProjectId, place: Place) -> int:
        """Return how many items of a project take `place`, with what this transaction wrote."""
        if not isinstance(place, InColumn):
            return self._lanes.started(tx, project_id, place.field).get(place.value, 0)
        named: dict[str, Value] = {
            f"status_{at}": status for at, status in enumerate(place.statuses)
        }
        sql = _IN_STATUSES.format(", ".join(f":{name}" for name in named))
        row = tx.one(sql, project_id=project_id, **named)
        return int(row[0]) if row else 0

"""The SQL of briefs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.board.contract import ProjectId
from tidemill.board.workflows.models import CLOSED, Category
from tidemill.core.ports import Tx

BLOCKING, IN_SPRINT, DUE, UNASSIGNED, OTHERS = range(1, 6)

_OPEN: Final = ", ".join(f"'{category}'" for category in Category if category not in CLOSED)
# Each open item belongs to the first part that it fits, and is told there alone.
_PART: Final = f"""
    CASE
        WHEN w.id IN (
            SELECT d.blocking_item_id FROM dependencies AS d
            JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocked_item_id
            JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
            WHERE d.tenant_id = :tenant_id AND d.dependency_type = 'blocks'
                AND b.deleted_at IS NULL AND q.deleted_at IS NULL
                AND b.status_category IN ({_OPEN})
        ) THEN {BLOCKING}
        WHEN w.sprint_id IN (
            SELECT s.id FROM sprints AS s
            WHERE s.tenant_id = :tenant_id AND s.project_id = :project_id
                AND s.status = 'active' AND s.deleted_at IS NULL
        ) THEN {IN_SPRINT}
        WHEN w.due_date <= :soon THEN {DUE}
        WHEN w.assignee_id IS NULL THEN {UNASSIGNED}
        ELSE {OTHERS}
    END
"""  # noqa: S608 - constant names of categories and numbers of parts
_ITEMS: Final = f"""
    SELECT r.part, r.total, w.id, w.number, w.item_type, w.status, w.priority, w.points,
        w.due_date, w.title, u.name, w.assignee_id
    FROM (
        SELECT o.id, o.part,
            COUNT(*) OVER (PARTITION BY o.part) AS total,
            ROW_NUMBER() OVER (
                PARTITION BY o.part ORDER BY o.urgency, o.due_order, o.number
            ) AS place
        FROM (
            SELECT w.id, w.number, {_PART} AS part, COALESCE(w.due_date, '~') AS due_order,
                CASE w.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2
                    ELSE 3 END AS urgency
            FROM work_items AS w
            WHERE w.tenant_id = :tenant_id AND w.project_id = :project_id
                AND w.status_category IN ({_OPEN}) AND w.deleted_at IS NULL
                AND w.archived_at IS NULL
        ) AS o
    ) AS r
    JOIN work_items AS w ON w.tenant_id = :tenant_id AND w.id = r.id
    LEFT JOIN people AS u ON u.tenant_id = w.tenant_id AND u.user_id = w.assignee_id
    WHERE r.place <= :per_part
    ORDER BY r.part, r.place
    LIMIT :limit
"""  # noqa: S608 - constant names of categories
_COUNTS: Final = """
    SELECT status_category, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
        AND archived_at IS NULL
    GROUP BY status_category
"""
_SPRINTS: Final = """
    SELECT name, goal, start_date, end_date FROM sprints
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = 'active'
        AND deleted_at IS NULL
    ORDER BY start_date, id LIMIT :limit
"""
_BLOCKED: Final = f"""
    SELECT a.number, q.key, b.number FROM work_items AS a
    JOIN dependencies AS d ON d.tenant_id = a.tenant_id AND d.blocking_item_id = a.id
        AND d.dependency_type = 'blocks'
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocked_item_id
    JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
    WHERE a.tenant_id = :tenant_id AND a.project_id = :project_id AND a.deleted_at IS NULL
        AND a.archived_at IS NULL AND a.status_category IN ({_OPEN})
        AND b.deleted_at IS NULL AND q.deleted_at IS NULL AND b.status_category IN ({_OPEN})
    ORDER BY a.number, q.key, b.number
    LIMIT :limit
"""  # noqa: S608 - constant names of categories
# An item's last change is that of its row: those that changed last hold the last changes.
_CHANGES: Final = """
    SELECT w.number, a.field, a.action, a.old_value, a.new_value, a.at, u.name
    FROM (
        SELECT id, number FROM work_items
        WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
            AND archived_at IS NULL
        ORDER BY updated_at DESC, id DESC LIMIT :limit
    ) AS w
    JOIN activities AS a ON a.tenant_id = :tenant_id AND a.work_item_id = w.id
    LEFT JOIN people AS u ON u.tenant_id = a.tenant_id AND u.user_id = a.user_id
    WHERE a.action IN ('created', 'imported', 'updated', 'restored', 'transferred')
    ORDER BY a.at DESC, w.number DESC, a.version DESC, a.field
    LIMIT :limit
"""
_links_max: Final = 2_000


class BriefRepository:
    """What a brief tells of a project."""

    def counts(self, tx: Tx, project_id: ProjectId) -> dict[Category, int]:
        """Return how many items lists show of each category."""
        found = {row[0]: row[1] for row in tx.all(_COUNTS, project_id=project_id)}
        return {category: found.get(category, 0) for category in Category}

    def open_items(
        self, tx: Tx, project_id: ProjectId, *, soon: str, per_part: int
    ) -> Sequence[Sequence[Any]]:
        """Return open items by part, what matters most first; `per_part` of each at most.

        Part, how many it has, id, number, type, status, priority, points, due day, title, name and
        id of the assignee. What is due on the day `soon` or before is due.
        """
        return tx.all(
            _ITEMS, project_id=project_id, soon=soon, per_part=per_part, limit=OTHERS * per_part
        )

    def active_sprints(
        self, tx: Tx, project_id: ProjectId, *, limit: int
    ) -> Sequence[Sequence[Any]]:
        """Return name, goal, first and last day of the project's active sprints."""
        return tx.all(_SPRINTS, project_id=project_id, limit=limit)

    def blocked_keys(self, tx: Tx, project_id: ProjectId) -> dict[int, list[str]]:
        """Return which open items those of the project block, by number."""
        found: dict[int, list[str]] = {}
        for number, key, blocked in tx.all(_BLOCKED, project_id=project_id, limit=_links_max):
            found.setdefault(number, []).append(f"{key}-{blocked}")
        return found

    def changes(self, tx: Tx, project_id: ProjectId, *, limit: int) -> Sequence[Sequence[Any]]:
        """Return number, field, action, old and new value, instant and name; latest first."""
        return tx.all(_CHANGES, project_id=project_id, limit=limit)

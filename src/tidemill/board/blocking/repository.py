"""The SQL of what must come before what, and of who waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tidemill.board.blocking.models import Edge, Node
from tidemill.board.blocking.waiting import FINISHED, IS_BLOCKED
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.core.ports import Tx

# Two that tie items at once would each see no cycle that they close together.
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('work-item-dependencies:' || :tenant_id, 0))
"""
# As an array PostgreSQL looks the few up one by one; it would read the whole table for a set.
_AMONG_IDS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
# From a start one comes to the finish and to the starts of children; from a finish to that of the
# parent and to the starts of what is blocked. SQLite takes several steps of a recursion and loops
# in the order of a CROSS JOIN; PostgreSQL takes one step that may look at what is beside it.
_BESIDE: Final = """
    CROSS JOIN LATERAL (
        SELECT r.id, 1 AS phase WHERE r.phase = 0
        UNION ALL SELECT c.id, 0 FROM work_items AS c
            WHERE r.phase = 0 AND c.tenant_id = :tenant_id AND c.parent_id = r.id
        UNION ALL SELECT c.parent_id, 1 FROM work_items AS c
            WHERE r.phase = 1 AND c.tenant_id = :tenant_id AND c.id = r.id
                AND c.parent_id IS NOT NULL
        UNION ALL SELECT d.blocked_item_id, 0 FROM dependencies AS d
            WHERE r.phase = 1 AND d.tenant_id = :tenant_id AND d.blocking_item_id = r.id
                AND d.dependency_type = 'blocks'
    ) AS n
"""
_REACHED: Final = {
    "sqlite": """
    WITH RECURSIVE reached (id, phase) AS (
        SELECT value, :phase FROM json_each(:ids)
        UNION SELECT r.id, 1 FROM reached AS r WHERE r.phase = 0
        UNION SELECT c.id, 0 FROM reached AS r CROSS JOIN work_items AS c
            WHERE r.phase = 0 AND c.tenant_id = :tenant_id AND c.parent_id = r.id
        UNION SELECT c.parent_id, 1 FROM reached AS r CROSS JOIN work_items AS c
            WHERE r.phase = 1 AND c.tenant_id = :tenant_id AND c.id = r.id
                AND c.parent_id IS NOT NULL
        UNION SELECT d.blocked_item_id, 0 FROM reached AS r CROSS JOIN dependencies AS d
            WHERE r.phase = 1 AND d.tenant_id = :tenant_id AND d.blocking_item_id = r.id
                AND d.dependency_type = 'blocks'
    )
""",
    "postgres": f"""
    WITH RECURSIVE reached (id, phase) AS (
        SELECT one COLLATE "C", CAST(:phase AS INTEGER)
        FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        UNION SELECT n.id, n.phase FROM reached AS r {_BESIDE}
    )
""",  # noqa: S608 - a constant
}
_REACHES: Final = "SELECT 1 FROM reached WHERE id = :goal AND phase = :goal_phase LIMIT 1"
_EDGES: Final = {
    "sqlite": """
    SELECT r.id, r.phase, r.id, 1 FROM reached AS r WHERE r.phase = 0
    UNION ALL SELECT r.id, r.phase, c.id, 0 FROM reached AS r CROSS JOIN work_items AS c
        WHERE r.phase = 0 AND c.tenant_id = :tenant_id AND c.parent_id = r.id
    UNION ALL SELECT r.id, r.phase, c.parent_id, 1 FROM reached AS r CROSS JOIN work_items AS c
        WHERE r.phase = 1 AND c.tenant_id = :tenant_id AND c.id = r.id
            AND c.parent_id IS NOT NULL
    UNION ALL SELECT r.id, r.phase, d.blocked_item_id, 0
        FROM reached AS r CROSS JOIN dependencies AS d
        WHERE r.phase = 1 AND d.tenant_id = :tenant_id AND d.blocking_item_id = r.id
            AND d.dependency_type = 'blocks'
""",
    "postgres": f"SELECT r.id, r.phase, n.id, n.phase FROM reached AS r {_BESIDE}",  # noqa: S608 - a constant
}
REACHES: Final = {dialect: reached + _REACHES for dialect, reached in _REACHED.items()}
EDGES: Final = {dialect: reached + _EDGES[dialect] for dialect, reached in _REACHED.items()}
KEYS: Final = {
    dialect: f"""
        SELECT w.id, p.key, w.number, COALESCE(w.deleted_at, p.deleted_at) FROM work_items AS w
        JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
        WHERE w.tenant_id = :tenant_id AND w.id {among}
    """  # noqa: S608 - constant names of columns
    for dialect, among in _AMONG_IDS.items()
}
BLOCKED_AMONG: Final = {
    dialect: f"""
        SELECT w.id, p.key, w.number, w.project_id FROM work_items AS w
        JOIN projects AS p
            ON p.tenant_id = w.tenant_id AND p.id = w.project_id AND p.deleted_at IS NULL
        WHERE w.tenant_id = :tenant_id AND w.id {among} AND w.deleted_at IS NULL
            AND {IS_BLOCKED}
        ORDER BY w.id
    """  # noqa: S608 - constant names of columns and categories
    for dialect, among in _AMONG_IDS.items()
}
DEPENDENTS: Final = """
    SELECT d.blocked_item_id FROM dependencies AS d
    JOIN work_items AS w ON w.tenant_id = d.tenant_id AND w.id = d.blocked_item_id
    WHERE d.tenant_id = :tenant_id AND d.blocking_item_id = :id AND d.dependency_type = 'blocks'
    ORDER BY d.blocked_item_id
"""
DEPENDENTS_OF_PROJECT: Final = f"""
    SELECT DISTINCT d.blocked_item_id FROM work_items AS b
    JOIN dependencies AS d ON d.tenant_id = b.tenant_id AND d.blocking_item_id = b.id
        AND d.dependency_type = 'blocks'
    JOIN work_items AS w ON w.tenant_id = d.tenant_id AND w.id = d.blocked_item_id
    WHERE b.tenant_id = :tenant_id AND b.project_id = :project_id AND b.deleted_at IS NULL
        AND b.status_category NOT IN ({FINISHED}) AND w.project_id <> :project_id
    ORDER BY d.blocked_item_id
"""  # noqa: S608 - constant names of categories
_LOCK_ITEMS: Final = f"""
    SELECT w.id FROM work_items AS w
    WHERE w.tenant_id = :tenant_id AND w.id {_AMONG_IDS["postgres"]}
    ORDER BY w.id FOR NO KEY UPDATE OF w
"""  # noqa: S608 - constant names of columns
BLOCKERS: Final = f"""
    SELECT q.key, b.number FROM dependencies AS d
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocking_item_id
    JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
    WHERE d.tenant_id = :tenant_id AND d.blocked_item_id = :id AND d.dependency_type = 'blocks'
        AND b.deleted_at IS NULL AND q.deleted_at IS NULL AND b.status_category NOT IN ({FINISHED})
    ORDER BY d.blocking_item_id LIMIT :limit
"""  # noqa: S608 - constant names of categories

Waiting = dict[WorkItemId, tuple[str, ProjectId]]
"""Items that are blocked, each with its key and its project."""


class BlockingRepository:
    """Links that block, and parents above children, as one graph; deleted items are in it, too."""

    def lock(self, tx: Tx) -> None:
        """Let nobody else of the tenant join items until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_ALONE)

    def reaches(self, tx: Tx, start: Node, goal: Node) -> bool:
        """Return whether `start` comes before `goal`."""
        ids = _encoded([start[0]])
        sql = REACHES[tx.dialect]
        return tx.one(sql, ids=ids, phase=start[1], goal=goal[0], goal_phase=goal[1]) is not None

    def edges(self, tx: Tx, ids: Iterable[str], phase: int) -> list[Edge]:
        """Return all that follows the starts, or finishes, of items."""
        rows = tx.all(EDGES[tx.dialect], ids=_encoded(ids), phase=phase)
        return [((row[0], row[1]), (row[2], row[3])) for row in rows]

    def keys(self, tx: Tx, ids: Iterable[str]) -> dict[str, str]:
        """Return by what people know items, deleted ones too."""
        rows = tx.all(KEYS[tx.dialect], ids=_encoded(ids))
        return {
            item_id: f"{key}-{number}" if deleted_at is None else f"{key}-{number} (deleted)"
            for item_id, key, number, deleted_at in rows
        }

    def dependents(self, tx: Tx, item_id: WorkItemId) -> list[WorkItemId]:
        """Return what an item blocks, finished or not."""
        return [row[0] for row in tx.all(DEPENDENTS, id=item_id)]

    def dependents_of_project(self, tx: Tx, project_id: ProjectId) -> list[WorkItemId]:
        """Return what unfinished items of a project block in other projects."""
        return [row[0] for row in tx.all(DEPENDENTS_OF_PROJECT, project_id=project_id)]

    def lock_items(self, tx: Tx, ids: Sequence[WorkItemId]) -> None:
        """Let nobody else change items until the transaction ends."""
        if tx.dialect == "postgres":
            tx.all(_LOCK_ITEMS, ids=_encoded(ids))

    def blocked_among(self, tx: Tx, ids: Iterable[str]) -> Waiting:
        """Return which of these items wait for something."""
        rows = tx.all(BLOCKED_AMONG[tx.dialect], ids=_encoded(ids))
        return {row[0]: (f"{row[1]}-{row[2]}", row[3]) for row in rows}

    def blockers(self, tx: Tx, item_id: WorkItemId, *, limit: int) -> list[str]:
        """Return the keys of unfinished items that block this one."""
        return [f"{key}-{number}" for key, number in tx.all(BLOCKERS, id=item_id, limit=limit)]


def _encoded(ids: Iterable[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()

"""The SQL that reads what a project document holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import SELECT_ITEMS
from tidemill.core.ports import Row, Tx

people_max: Final = 10_000
labels_max: Final = 5_000
sprints_max: Final = 5_000
templates_max: Final = 1_000
ledger_lines_max: Final = 1_000_000
custom_fields_max: Final = 1_000
# As an array PostgreSQL looks the few up one by one; it would read the whole table for a set.
_AMONG: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
ITEMS: Final = f"""{SELECT_ITEMS}
    WHERE w.tenant_id = :tenant_id AND w.project_id = :project_id AND w.rank > :after
        AND w.deleted_at IS NULL
    ORDER BY w.rank LIMIT :limit
"""
_PEOPLE: Final = """
    SELECT user_id, name FROM people WHERE tenant_id = :tenant_id ORDER BY user_id LIMIT :limit
"""
_LABELS: Final = """
    SELECT l.name, l.color, l.description, l.project_id FROM labels AS l
    WHERE l.tenant_id = :tenant_id AND l.deleted_at IS NULL AND (l.project_id = :project_id
        OR (l.project_id IS NULL AND EXISTS (
            SELECT 1 FROM item_labels AS il
            JOIN work_items AS w ON w.tenant_id = il.tenant_id AND w.id = il.work_item_id
            WHERE il.tenant_id = l.tenant_id AND il.label_id = l.id
                AND w.project_id = :project_id AND w.deleted_at IS NULL
        )))
    ORDER BY l.name_key, l.id LIMIT :limit
"""
_CUSTOM_FIELDS: Final = """
    SELECT key, name, field_type, help, is_required, default_value, rules, project_id
    FROM custom_fields
    WHERE tenant_id = :tenant_id AND (project_id IS NULL OR project_id = :project_id)
    ORDER BY key, id LIMIT :limit
"""
_SPRINTS: Final = """
    SELECT id, name, goal, start_date, end_date, status, started_at, ended_at, snapshot FROM sprints
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
    ORDER BY start_date, id LIMIT :limit
"""
# An item that was deleted, or went to another project, counts as it did, and has no name here.
_LEDGER: Final = """
    SELECT e.sprint_id, e.at, w.number, e.kind, e.scope_count, e.scope_points, e.done_count,
        e.done_points
    FROM sprints AS s
    JOIN sprint_scope_events AS e ON e.tenant_id = s.tenant_id AND e.sprint_id = s.id
    LEFT JOIN work_items AS w ON w.tenant_id = e.tenant_id AND w.id = e.work_item_id
        AND w.project_id = s.project_id AND w.deleted_at IS NULL
    WHERE s.tenant_id = :tenant_id AND s.project_id = :project_id AND s.deleted_at IS NULL
    ORDER BY e.sprint_id, e.at, e.id LIMIT :limit
"""
_ITEM_TYPES: Final = """
    SELECT DISTINCT item_type FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
    ORDER BY item_type
"""
_KEYS: Final = """
    SELECT w.id, p.key, w.number FROM work_items AS w
    JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
    WHERE w.tenant_id = :tenant_id AND w.id {among}
"""
_FORMER_KEYS: Final = """
    SELECT f.work_item_id, p.key, f.number FROM former_keys AS f
    JOIN projects AS p ON p.tenant_id = f.tenant_id AND p.id = f.project_id
    WHERE f.tenant_id = :tenant_id AND f.work_item_id {among}
    UNION ALL
    SELECT i.work_item_id, i.project_key, i.number FROM imported_keys AS i
    WHERE i.tenant_id = :tenant_id AND i.work_item_id {among}
    ORDER BY 1, 2, 3
"""
_FIRST: Final = """
    SELECT d.blocking_item_id, d.dependency_type, p.key, b.number FROM dependencies AS d
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocked_item_id
    JOIN projects AS p ON p.tenant_id = b.tenant_id AND p.id = b.project_id
    WHERE d.tenant_id = :tenant_id AND d.blocking_item_id {among} AND b.deleted_at IS NULL
        AND p.deleted_at IS NULL
    ORDER BY d.blocking_item_id, d.dependency_type, p.key, b.number
"""
_SECOND: Final = """
    SELECT d.blocked_item_id, d.dependency_type, p.key, b.number FROM dependencies AS d
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocking_item_id
    JOIN projects AS p ON p.tenant_id = b.tenant_id AND p.id = b.project_id
    WHERE d.tenant_id = :tenant_id AND d.blocked_item_id {among} AND b.deleted_at IS NULL
        AND p.deleted_at IS NULL AND b.project_id <> :project_id
    ORDER BY d.blocked_item_id, d.dependency_type, p.key, b.number
"""
_WATCHERS: Final = """
    SELECT work_item_id, user_id, state FROM watchers
    WHERE tenant_id = :tenant_id AND work_item_id {among}
    ORDER BY work_item_id, user_id
"""
_COMMENTS: Final = """
    SELECT work_item_id, id, parent_id, content, created_at, created_by, updated_at, version,
        mentions
    FROM comments
    WHERE tenant_id = :tenant_id AND work_item_id {among} AND deleted_at IS NULL
    ORDER BY work_item_id, id
"""
_REVISIONS: Final = """
    SELECT comment_id, content, at, user_id FROM comment_revisions
    WHERE tenant_id = :tenant_id AND comment_id {among}
    ORDER BY comment_id, version
"""
_REACTIONS: Final = """
    SELECT comment_id, emoji, user_id FROM comment_reactions
    WHERE tenant_id = :tenant_id AND comment_id {among}
    ORDER BY comment_id, emoji, user_id
"""
_TIME: Final = """
    SELECT work_item_id, user_id, started_at, ended_at, on_day, description, source
    FROM time_entries
    WHERE tenant_id = :tenant_id AND work_item_id {among} AND deleted_at IS NULL
    ORDER BY work_item_id, started_at, id
"""
_FILES: Final = """
    SELECT work_item_id, name, media_type, bytes, sha256, created_at, created_by
    FROM attachments
    WHERE tenant_id = :tenant_id AND work_item_id {among}
    ORDER BY work_item_id, id
"""
_BLOBS: Final = """
    SELECT b.sha256, b.name, b.bytes FROM blobs AS b
    WHERE b.tenant_id = :tenant_id AND b.sha256 > :after AND EXISTS (
        SELECT 1 FROM attachments AS f
        JOIN work_items AS w ON w.tenant_id = f.tenant_id AND w.id = f.work_item_id
        WHERE f.tenant_id = b.tenant_id AND f.sha256 = b.sha256
            AND w.project_id = :project_id AND w.deleted_at IS NULL
    )
    ORDER BY b.sha256 LIMIT :limit
"""


class ProjectDocumentRepository:
    """All that a project holds; what belongs to items comes for a page of them at once."""

    def items(self, tx: Tx, project_id: ProjectId, *, after: str, limit: int) -> list[WorkItem]:
        """Return items of a project behind a rank, archived ones too."""
        rows = tx.all(ITEMS, project_id=project_id, after=after, limit=limit)
        return [WorkItem(*row) for row in rows]

    def people(self, tx: Tx) -> list[tuple[str, str]]:
        """Return ids and names of people, those who have left too."""
        return [(row[0], row[1]) for row in tx.all(_PEOPLE, limit=people_max)]

    def labels(self, tx: Tx, project_id: ProjectId) -> Sequence[Row]:
        """Return name, colour, description and project of the labels that items may bear."""
        return tx.all(_LABELS, project_id=project_id, limit=labels_max)

    def custom_fields(self, tx: Tx, project_id: ProjectId) -> Sequence[Row]:
        """Return the custom fields that items of a project can have."""
        return tx.all(_CUSTOM_FIELDS, project_id=project_id, limit=custom_fields_max)

    def sprints(self, tx: Tx, project_id: ProjectId) -> Sequence[Row]:
        """Return the sprints of a project."""
        return tx.all(_SPRINTS, project_id=project_id, limit=sprints_max)

    def ledger(self, tx: Tx, project_id: ProjectId) -> Sequence[Row]:
        """Return the ledgers of a project's sprints: sprint, instant, item's number and figures."""
        return tx.all(_LEDGER, project_id=project_id, limit=ledger_lines_max)

    def item_types(self, tx: Tx, project_id: ProjectId) -> list[str]:
        """Return which kinds items of a project have."""
        return [row[0] for row in tx.all(_ITEM_TYPES, project_id=project_id)]

    def keys(self, tx: Tx, ids: Iterable[str]) -> dict[str, str]:
        """Return the keys of items by their ids."""
        return {row[0]: f"{row[1]}-{row[2]}" for row in _of(tx, _KEYS, ids)}

    def former_keys(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return id, project key and number of each key that items had, here or elsewhere."""
        return _of(tx, _FORMER_KEYS, ids)

    def first_links(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return id, type, project key and number for what items are first of."""
        return _of(tx, _FIRST, ids)

    def second_links(self, tx: Tx, project_id: ProjectId, ids: Iterable[str]) -> Sequence[Row]:
        """Return the same for what they are second of, the first being of another project."""
        return _of(tx, _SECOND, ids, project_id=project_id)

    def watchers(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return id, person and state of what people asked for."""
        return _of(tx, _WATCHERS, ids)

    def comments(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return the living comments of items, oldest first."""
        return _of(tx, _COMMENTS, ids)

    def revisions(self, tx: Tx, comment_ids: Iterable[str]) -> Sequence[Row]:
        """Return the earlier texts of comments, oldest first."""
        return _of(tx, _REVISIONS, comment_ids)

    def reactions(self, tx: Tx, comment_ids: Iterable[str]) -> Sequence[Row]:
        """Return who reacted to comments, and how."""
        return _of(tx, _REACTIONS, comment_ids)

    def time_entries(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return the living time entries of items, oldest first."""
        return _of(tx, _TIME, ids)

    def files(self, tx: Tx, ids: Iterable[str]) -> Sequence[Row]:
        """Return what is known of the files of items, oldest first."""
        return _of(tx, _FILES, ids)

    def blobs(self, tx: Tx, project_id: ProjectId, *, after: str, limit: int) -> Sequence[Row]:
        """Return digest, name and size of what files of a project hold, behind a digest."""
        return tx.all(_BLOBS, project_id=project_id, after=after, limit=limit)


def _of(tx: Tx, sql: str, ids: Iterable[str], **parameters: Any) -> Sequence[Row]:
    encoded = msgspec.json.encode(list(ids)).decode()
    return tx.all(sql.format(among=_AMONG[tx.dialect]), ids=encoded, **parameters)

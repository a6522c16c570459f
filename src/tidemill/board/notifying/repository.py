"""The SQL of who hears of items, for many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.board.project_access.repository import SEES
from tidemill.core.ports import Tx

_hearers_max: Final = 500
_of_sprint_max: Final = 2_000
# As an array PostgreSQL looks the few up one by one; it would read the whole table for a set.
_AMONG_IDS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS one
        ))""",
}
_PROJECTS: Final = {
    dialect: f"SELECT id, project_id FROM work_items WHERE tenant_id = :tenant_id AND id {among}"  # noqa: S608 - a constant
    for dialect, among in _AMONG_IDS.items()
}
# The items stand in the inner query, too: PostgreSQL would read what a whole tenant has muted.
_HEARERS: Final = {
    dialect: f"""
    SELECT item_id, user_id
    FROM (
        SELECT them.item_id, them.user_id,
            row_number() OVER (PARTITION BY them.item_id ORDER BY them.user_id) AS place
        FROM (
            SELECT work_item_id AS item_id, user_id FROM watchers
            WHERE tenant_id = :tenant_id AND work_item_id {among} AND state = 'watching'
            UNION
            SELECT w.id, p.user_id FROM work_items AS w
            JOIN people AS p ON p.tenant_id = w.tenant_id AND p.user_id = w.created_by
            WHERE w.tenant_id = :tenant_id AND w.id {among}
            UNION
            SELECT w.id, p.user_id FROM work_items AS w
            JOIN people AS p ON p.tenant_id = w.tenant_id AND p.user_id = w.assignee_id
            WHERE w.tenant_id = :tenant_id AND w.id {among}
        ) AS them
        WHERE NOT EXISTS (
            SELECT 1 FROM watchers AS w
            WHERE w.tenant_id = :tenant_id AND w.work_item_id {among}
                AND w.work_item_id = them.item_id AND w.user_id = them.user_id
                AND w.state = 'muted'
        )
    ) AS counted
    WHERE place <= :limit
    ORDER BY item_id, user_id
    """  # noqa: S608 - a constant
    for dialect, among in _AMONG_IDS.items()
}
# Those that went on elsewhere since it ended were its items, too.
OF_SPRINT: Final = """
    SELECT w.id FROM work_items AS w
    WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NULL AND w.archived_at IS NULL
        AND w.id IN (
            SELECT id FROM work_items
            WHERE tenant_id = :tenant_id AND sprint_id = :sprint_id AND deleted_at IS NULL
            UNION
            SELECT work_item_id FROM sprint_scope_events
            WHERE tenant_id = :tenant_id AND sprint_id = :sprint_id AND kind = 'carry_over'
        )
    ORDER BY w.rank, w.id
    LIMIT :limit
"""
_IN_THREAD: Final = """
    SELECT DISTINCT c.created_by
    FROM comments AS c
    WHERE c.tenant_id = :tenant_id AND c.work_item_id = :item_id
        AND (c.id = :thread_id OR c.parent_id = :thread_id) AND c.deleted_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM watchers AS w
            WHERE w.tenant_id = :tenant_id AND w.work_item_id = :item_id
                AND w.user_id = c.created_by AND w.state = 'muted'
        )
    ORDER BY c.created_by
    LIMIT :limit
"""
_ASKED: Final = {
    "sqlite": """
        SELECT value ->> 0 AS item_id, value ->> 1 AS project_id, value ->> 2 AS user_id,
            value ->> 3 AS reason
        FROM json_each(:asked)
    """,
    "postgres": """
        SELECT value ->> 0 AS item_id, value ->> 1 AS project_id, value ->> 2 AS user_id,
            value ->> 3 AS reason
        FROM jsonb_array_elements(CAST(CAST(:asked AS TEXT) AS jsonb)) AS one (value)
    """,
}
# SQLite joins in the order that a cross join says.
_WISHES: Final = {
    dialect: f"""
    SELECT k.item_id, k.user_id, h.inbox, h.mail, f.mail_stopped_at
    FROM ({asked}) AS k
    CROSS JOIN people AS p
    LEFT JOIN notification_preferences AS h
        ON h.tenant_id = p.tenant_id AND h.user_id = p.user_id AND h.reason = k.reason
    LEFT JOIN notification_profiles AS f
        ON f.tenant_id = p.tenant_id AND f.user_id = p.user_id
    WHERE p.tenant_id = :tenant_id AND p.user_id = k.user_id AND p.state = 'active'
        AND {SEES.format(project_id="k.project_id")}
        AND NOT EXISTS (
            SELECT 1 FROM notification_mutes AS m
            WHERE m.tenant_id = p.tenant_id AND m.user_id = p.user_id
                AND m.project_id = k.project_id
        )
        AND NOT EXISTS (
            SELECT 1 FROM notification_events AS e
            WHERE e.tenant_id = p.tenant_id AND e.user_id = p.user_id
                AND e.fact_id = :fact_id AND e.work_item_id = k.item_id
        )
    ORDER BY k.item_id, k.user_id
    """  # noqa: S608 - a constant
    for dialect, asked in _ASKED.items()
}


class Asked(Struct, frozen=True, array_like=True):
    """Whether a member wants to hear of an item for a reason."""

    item_id: str
    project_id: str
    user_id: str
    reason: str


class Answer(Struct, frozen=True):
    """What a member said of a reason, and since when it wants no mail, as a read selects it."""

    item_id: str
    user_id: str
    inbox: str | None
    mail: str | None
    mail_stopped_at: int | None


class AudienceRepository:
    """Who hears of items."""

    def projects(self, tx: Tx, item_ids: Iterable[str]) -> dict[str, str]:
        """Return the projects of items by id, also of those that were deleted."""
        return {row[0]: row[1] for row in tx.all(_PROJECTS[tx.dialect], ids=_json(item_ids))}

    def hearers(self, tx: Tx, item_ids: Collection[str]) -> dict[str, list[str]]:
        """Return who watches each item, made it or shall do it, without those who muted it."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        if item_ids:
            sql = _HEARERS[tx.dialect]
            for item_id, user_id in tx.all(sql, ids=_json(item_ids), limit=_hearers_max):
                found[item_id].append(user_id)
        return found

    def of_sprint(self, tx: Tx, sprint_id: str) -> list[str]:
        """Return the items of a sprint, in the order of their project."""
        rows = tx.all(OF_SPRINT, sprint_id=sprint_id, limit=_of_sprint_max)
        return [row[0] for row in rows]

    def in_thread(self, tx: Tx, item_id: str, thread_id: str) -> list[str]:
        """Return who wrote in a thread of comments, without those who muted the item."""
        rows = tx.all(_IN_THREAD, item_id=item_id, thread_id=thread_id, limit=_hearers_max)
        return [row[0] for row in rows]

    def answers(self, tx: Tx, asked: Iterable[Asked], *, fact_id: str) -> list[Answer]:
        """Return what members said of reasons.

        There is none for those that shall not hear of this fact: who has left, muted the project,
        may not see the project, or heard already.
        """
        given = msgspec.json.encode(list(asked)).decode()
        return [Answer(*row) for row in tx.all(_WISHES[tx.dialect], asked=given, fact_id=fact_id)]


def _json(ids: Iterable[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()

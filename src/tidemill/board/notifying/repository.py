"""The SQL of who hears of an item."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Row, Tx

_hearers_max: Final = 500
_ITEM: Final = """
    SELECT created_by, assignee_id, project_id FROM work_items
    WHERE tenant_id = :tenant_id AND id = :item_id
"""
_HEARERS: Final = """
    SELECT them.user_id
    FROM (
        SELECT user_id FROM watchers
        WHERE tenant_id = :tenant_id AND work_item_id = :item_id AND state = 'watching'
        UNION
        SELECT user_id FROM people
        WHERE tenant_id = :tenant_id AND user_id IN (:creator, :assignee)
    ) AS them
    WHERE NOT EXISTS (
        SELECT 1 FROM watchers AS w
        WHERE w.tenant_id = :tenant_id AND w.work_item_id = :item_id
            AND w.user_id = them.user_id AND w.state = 'muted'
    )
    ORDER BY them.user_id
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
_WISH: Final = """
    SELECT h.inbox, h.mail, f.mail_stopped_at
    FROM people AS p
    LEFT JOIN notification_preferences AS h
        ON h.tenant_id = p.tenant_id AND h.user_id = p.user_id AND h.reason = :reason
    LEFT JOIN notification_profiles AS f
        ON f.tenant_id = p.tenant_id AND f.user_id = p.user_id
    WHERE p.tenant_id = :tenant_id AND p.user_id = :user_id AND p.state = 'active'
        AND NOT EXISTS (
            SELECT 1 FROM notification_mutes AS m
            WHERE m.tenant_id = p.tenant_id AND m.user_id = p.user_id
                AND m.project_id = :project_id
        )
        AND NOT EXISTS (
            SELECT 1 FROM notification_events AS e
            WHERE e.tenant_id = p.tenant_id AND e.user_id = p.user_id
                AND e.fact_id = :fact_id AND e.work_item_id = :item_id
        )
"""


class AudienceRepository:
    """Who hears of an item."""

    def item(self, tx: Tx, item_id: str) -> Row | None:
        """Return creator, assignee and project of an item, also of one that was deleted."""
        return tx.one(_ITEM, item_id=item_id)

    def hearers(self, tx: Tx, item_id: str, creator: str, assignee: str | None) -> list[str]:
        """Return who watches an item, made it or shall do it, without those who muted it."""
        rows = tx.all(
            _HEARERS,
            item_id=item_id,
            creator=creator,
            assignee=assignee or "",
            limit=_hearers_max,
        )
        return [row[0] for row in rows]

    def in_thread(self, tx: Tx, item_id: str, thread_id: str) -> list[str]:
        """Return who wrote in a thread of comments, without those who muted the item."""
        rows = tx.all(_IN_THREAD, item_id=item_id, thread_id=thread_id, limit=_hearers_max)
        return [row[0] for row in rows]

    def wish(
        self, tx: Tx, user_id: str, reason: str, *, place: tuple[str, str], fact_id: str
    ) -> Row | None:
        """Return what a member said of a reason, and since when it wants no mail at all.

        `place` are the ids of item and project. None where it shall not hear of this fact: it has
        left, muted the project, or heard already.
        """
        item_id, project_id = place
        return tx.one(
            _WISH,
            user_id=user_id,
            reason=reason,
            item_id=item_id,
            project_id=project_id,
            fact_id=fact_id,
        )

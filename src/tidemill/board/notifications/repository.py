"""The SQL of inboxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.board.notifications.models import Event, Folder, Notification, count_max
from tidemill.core.ports import Tx, Value

_SELECT: Final = """
    SELECT n.id, n.user_id, n.work_item_id, n.reason, n.reasons, n.event_count, n.seq, n.at,
        n.read_at, n.archived_at, n.snoozed_until, n.version, n.created_at, w.project_id, p.key,
        w.number, w.title, w.status, COALESCE(w.deleted_at, p.deleted_at)
    FROM notifications AS n
    LEFT JOIN work_items AS w ON w.tenant_id = n.tenant_id AND w.id = n.work_item_id
    LEFT JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
    WHERE n.tenant_id = :tenant_id AND n.user_id = :user_id
"""
_BY_ID: Final = _SELECT + " AND n.id = :id"
_PLACES: Final = {
    "sqlite": "SELECT value ->> 0 AS user_id, value ->> 1 AS item_id FROM json_each(:places)",
    "postgres": """
        SELECT value ->> 0 AS user_id, value ->> 1 AS item_id
        FROM jsonb_array_elements(CAST(CAST(:places AS TEXT) AS jsonb)) AS one (value)
    """,
}
# In one order for all, so that two that change the same rows do not wait for each other.
_OF_ITEMS: Final = {
    dialect: f"""
    SELECT n.id, n.user_id, n.work_item_id, n.reason, n.reasons, n.event_count, n.seq, n.at,
        n.read_at, n.archived_at, n.snoozed_until, n.version, n.created_at
    FROM ({places}) AS k
    CROSS JOIN notifications AS n
    WHERE n.tenant_id = :tenant_id AND n.user_id = k.user_id AND n.work_item_id = k.item_id
    ORDER BY n.id {lock}
    """  # noqa: S608 - a constant
    for (dialect, places), lock in zip(_PLACES.items(), ("", "FOR UPDATE OF n"), strict=True)
}
_LOCK: Final = " FOR UPDATE OF n"
_AWAKE: Final = " AND (n.snoozed_until IS NULL OR n.snoozed_until <= :now)"
_FOLDERS: Final = {
    Folder.INBOX: " AND n.archived_at IS NULL" + _AWAKE,
    Folder.UNREAD: " AND n.read_at IS NULL AND n.archived_at IS NULL" + _AWAKE,
    Folder.SNOOZED: " AND n.snoozed_until > :now",
    Folder.ARCHIVED: " AND n.archived_at IS NOT NULL",
}
_WITH_REASON: Final = " AND (' ' || n.reasons || ' ') LIKE :reason"
_IN_PROJECT: Final = " AND w.project_id = :project_id"
_AFTER: Final = " AND (n.at, n.id) < (:after_at, :after_id)"
_ORDER: Final = " ORDER BY n.at DESC, n.id DESC LIMIT :limit"
_COUNT_UNREAD: Final = """
    SELECT count(*) FROM (
        SELECT 1 FROM notifications AS n
        WHERE n.tenant_id = :tenant_id AND n.user_id = :user_id AND n.read_at IS NULL
            AND n.archived_at IS NULL AND (n.snoozed_until IS NULL OR n.snoozed_until <= :now)
        LIMIT :limit
    ) AS unread
"""
_INSERT: Final = """
    INSERT INTO notifications (tenant_id, id, user_id, work_item_id, reason, reasons,
        event_count, seq, at, read_at, archived_at, snoozed_until, version, created_at)
    VALUES (:tenant_id, :id, :user_id, :work_item_id, :reason, :reasons,
        :event_count, :seq, :at, :read_at, :archived_at, :snoozed_until, :version, :created_at)
"""
_SAVE: Final = """
    UPDATE notifications
    SET reason = :reason, reasons = :reasons, event_count = :event_count, seq = :seq, at = :at,
        read_at = :read_at, archived_at = :archived_at, snoozed_until = :snoozed_until,
        version = :version
    WHERE tenant_id = :tenant_id AND id = :id
"""
_READ_THROUGH: Final = """
    UPDATE notifications AS n
    SET read_at = :now, version = version + 1
    WHERE n.tenant_id = :tenant_id AND n.user_id = :user_id AND n.read_at IS NULL
        AND n.archived_at IS NULL AND (n.snoozed_until IS NULL OR n.snoozed_until <= :now)
        AND n.seq <= :through_seq
"""
_READ_IN_PROJECT: Final = """
        AND n.work_item_id IN (
            SELECT w.id FROM work_items AS w
            WHERE w.tenant_id = :tenant_id AND w.project_id = :project_id
        )
"""
_ADD_EVENT: Final = """
    INSERT INTO notification_events (tenant_id, id, notification_id, user_id, work_item_id, fact_id,
        reason, actor_kind, actor_id, actor_user_id, comment_id, field, old_value, new_value, at)
    VALUES (:tenant_id, :id, :notification_id, :user_id, :work_item_id, :fact_id,
        :reason, :actor_kind, :actor_id, :actor_user_id, :comment_id, :field, :old_value,
        :new_value, :at)
"""
_EVENTS: Final = """
    SELECT id, fact_id, reason, actor_kind, actor_id, actor_user_id, comment_id, field, old_value,
        new_value, at
    FROM notification_events
    WHERE tenant_id = :tenant_id AND notification_id = :notification_id AND id < :before
    ORDER BY id DESC
    LIMIT :limit
"""
_PRUNE_EVENTS: Final = """
    DELETE FROM notification_events
    WHERE tenant_id = :tenant_id AND notification_id = :notification_id AND id <= (
        SELECT id FROM notification_events
        WHERE tenant_id = :tenant_id AND notification_id = :notification_id
        ORDER BY id DESC LIMIT 1 OFFSET :kept
    )
"""
_SWEEP: Final = """
    DELETE FROM notifications
    WHERE tenant_id = :tenant_id AND id IN (
        SELECT id FROM notifications
        WHERE tenant_id = :tenant_id AND at < :before
        ORDER BY at LIMIT :limit
    )
"""
_OLDEST: Final = "SELECT min(at) FROM notifications WHERE tenant_id = :tenant_id"
_last: Final = "~"


class NotificationRepository:
    """Notifications, always of one member."""

    def find(
        self, tx: Tx, user_id: str, notification_id: str, *, lock: bool = False
    ) -> Notification | None:
        """Return a notification; with `lock` nobody else changes it before this commits."""
        row = tx.one(_BY_ID + _locking(tx, lock), user_id=user_id, id=notification_id)
        return Notification(*row) if row else None

    def of_items(
        self, tx: Tx, places: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], Notification]:
        """Return what members have of items, by the ids of both.

        Nobody else changes it before this commits. Nothing is joined: see `Notification`.
        """
        given = msgspec.json.encode(list(places)).decode()
        rows = tx.all(_OF_ITEMS[tx.dialect], places=given)
        return {(row[1], row[2]): Notification(*row) for row in rows}

    def page(  # noqa: PLR0913 - each is a part of the filter
        self,
        tx: Tx,
        user_id: str,
        folder: Folder,
        *,
        reason: str | None,
        project_id: str | None,
        after: tuple[int, str] | None,
        limit: int,
    ) -> list[Notification]:
        """Return notifications, newest first."""
        given: dict[str, Value] = {"user_id": user_id, "limit": limit}
        sql = _SELECT + _FOLDERS[folder]
        if reason is not None:
            sql, given["reason"] = sql + _WITH_REASON, f"% {reason} %"
        if project_id is not None:
            sql, given["project_id"] = sql + _IN_PROJECT, project_id
        if after is not None:
            sql += _AFTER
            given["after_at"], given["after_id"] = after
        return [Notification(*row) for row in tx.all(sql + _ORDER, **given)]

    def count_unread(self, tx: Tx, user_id: str) -> int:
        """Return how many are unread, at most `count_max` and one more."""
        row = tx.one(_COUNT_UNREAD, user_id=user_id, limit=count_max + 1)
        return int(row[0]) if row else 0

    def add_many(self, tx: Tx, rows: Iterable[Notification]) -> None:
        """Insert notifications."""
        tx.execute_many(_INSERT, [_inserted(row) for row in rows])

    def save(self, tx: Tx, row: Notification) -> None:
        """Write the next version of what was found with a lock."""
        tx.execute(_SAVE, **_written(row))

    def save_many(self, tx: Tx, rows: Iterable[Notification]) -> None:
        """Write the next versions of what was found with `of_items`."""
        tx.execute_many(_SAVE, [_written(row) for row in rows])

    def read_through(self, tx: Tx, user_id: str, through_seq: int, project_id: str | None) -> int:
        """Mark what has no later fact than that as read; return how many they were."""
        if project_id is None:
            return tx.execute(_READ_THROUGH, user_id=user_id, through_seq=through_seq)
        return tx.execute(
            _READ_THROUGH + _READ_IN_PROJECT,
            user_id=user_id,
            through_seq=through_seq,
            project_id=project_id,
        )

    def add_events(self, tx: Tx, events: Iterable[tuple[Notification, Event]]) -> None:
        """Insert what happened, each beside its notification."""
        tx.execute_many(_ADD_EVENT, [_happened(*each) for each in events])

    def events(
        self, tx: Tx, notification_id: str, *, before: str | None, limit: int
    ) -> list[Event]:
        """Return what happened, newest first."""
        rows = tx.all(_EVENTS, notification_id=notification_id, before=before or _last, limit=limit)
        return [Event(*row) for row in rows]

    def prune_events(self, tx: Tx, notification_id: str, *, kept: int) -> int:
        """Remove all but the newest `kept` events of a notification; return how many."""
        return tx.execute(_PRUNE_EVENTS, notification_id=notification_id, kept=kept)

    def sweep(self, tx: Tx, before: int, limit: int) -> int:
        """Remove some that are older, of all members; return how many."""
        return tx.execute(_SWEEP, before=before, limit=limit)

    def oldest(self, tx: Tx) -> int | None:
        """Return from when the oldest one of the tenant is."""
        row = tx.one(_OLDEST)
        return row[0] if row else None


def _locking(tx: Tx, lock: bool) -> str:
    return _LOCK if lock and tx.dialect == "postgres" else ""


def _inserted(row: Notification) -> dict[str, Value]:
    return {
        "user_id": row.user_id,
        "work_item_id": row.work_item_id,
        "created_at": row.created_at,
        **_written(row),
    }


def _happened(row: Notification, event: Event) -> dict[str, Value]:
    return {
        "id": event.id,
        "notification_id": row.id,
        "user_id": row.user_id,
        "work_item_id": row.work_item_id,
        "fact_id": event.fact_id,
        "reason": event.reason,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "actor_user_id": event.actor_user_id,
        "comment_id": event.comment_id,
        "field": event.field,
        "old_value": event.old_value,
        "new_value": event.new_value,
        "at": event.at,
    }


def _written(row: Notification) -> dict[str, Value]:
    return {
        "id": row.id,
        "reason": row.reason,
        "reasons": row.reasons,
        "event_count": row.event_count,
        "seq": row.seq,
        "at": row.at,
        "read_at": row.read_at,
        "archived_at": row.archived_at,
        "snoozed_until": row.snoozed_until,
        "version": row.version,
    }

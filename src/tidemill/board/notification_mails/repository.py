"""The SQL of mail that waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.board.notification_mails.models import Line, Place, Waiting, events_max
from tidemill.board.project_access.repository import SEES
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_AMONG_USERS: Final = {
    "sqlite": "IN (SELECT value FROM json_each(:user_ids))",
    "postgres": """= ANY (ARRAY(
            SELECT one FROM jsonb_array_elements_text(CAST(CAST(:user_ids AS TEXT) AS jsonb)) AS one
        ))""",
}
# Few for each member: `at_once_waiting_max`, and a digest.
_GATHERING: Final = {
    dialect: f"""
    SELECT user_id, kind, notification_id, id FROM notification_mails
    WHERE tenant_id = :tenant_id AND user_id {among} AND state = 'gathering'
    ORDER BY id {lock}
    """  # noqa: S608 - a constant
    for (dialect, among), lock in zip(_AMONG_USERS.items(), ("", "FOR UPDATE"), strict=True)
}
_INSERT: Final = """
    INSERT INTO notification_mails (tenant_id, id, user_id, kind, notification_id, state, due_at,
        attempts, created_at)
    VALUES (:tenant_id, :id, :user_id, :kind, :notification_id, 'gathering', :due_at, 0, :now)
"""
_ADD_EVENT: Final = """
    INSERT INTO notification_mail_events (tenant_id, mail_id, event_id)
    VALUES (:tenant_id, :mail_id, :event_id)
"""
_WAITING: Final = "SELECT id, user_id, kind, state, attempts, created_at FROM notification_mails\n"
_DUE: Final = _WAITING + (
    "WHERE tenant_id = :tenant_id AND due_at <= :now ORDER BY due_at, id LIMIT :limit"
)
_BY_ID: Final = _WAITING + "WHERE tenant_id = :tenant_id AND id = :id AND due_at <= :now"
_MOVE: Final = """
    UPDATE notification_mails SET due_at = :due_at WHERE tenant_id = :tenant_id AND id = :id
"""
_CLAIM: Final = """
    UPDATE notification_mails
    SET state = 'sending', attempts = attempts + 1, holder = :holder, due_at = :until
    WHERE tenant_id = :tenant_id AND id = :id
"""
_END: Final = """
    UPDATE notification_mails
    SET state = :state, error = :error, due_at = :due_at, finished_at = :finished_at,
        holder = NULL
    WHERE tenant_id = :tenant_id AND id = :id AND finished_at IS NULL
        AND attempts = :attempts AND holder = :holder
"""
_DROP: Final = """
    UPDATE notification_mails
    SET state = 'dropped', due_at = NULL, finished_at = :now, holder = NULL
    WHERE tenant_id = :tenant_id AND id = :id AND finished_at IS NULL
"""
# What was read meanwhile is told no more, and what its reader may not see any more.
_TOLD: Final = f"""
    FROM notification_mail_events AS m
    JOIN notification_events AS e ON e.tenant_id = m.tenant_id AND e.id = m.event_id
    JOIN notifications AS n ON n.tenant_id = e.tenant_id AND n.id = e.notification_id
    JOIN people AS p ON p.tenant_id = n.tenant_id AND p.user_id = n.user_id
    LEFT JOIN work_items AS w ON w.tenant_id = n.tenant_id AND w.id = n.work_item_id
    LEFT JOIN people AS a ON a.tenant_id = e.tenant_id AND a.user_id = e.actor_user_id
    LEFT JOIN comments AS c
        ON c.tenant_id = e.tenant_id AND c.id = e.comment_id AND c.deleted_at IS NULL
    LEFT JOIN projects AS q ON q.tenant_id = w.tenant_id AND q.id = w.project_id
    WHERE m.tenant_id = :tenant_id AND m.mail_id = :mail_id
        AND (n.read_at IS NULL OR n.read_at <= e.at)
        AND {SEES.format(project_id="w.project_id")}
"""
_COUNT: Final = f"SELECT count(*) {_TOLD}"
_LINES: Final = f"""
    SELECT e.reason, e.actor_kind, a.name, e.field, e.old_value, e.new_value, c.content, e.at,
        q.key, w.number, w.title, COALESCE(w.deleted_at, q.deleted_at)
    {_TOLD}
    ORDER BY q.key, w.number, e.id
    LIMIT :limit
"""
_STOPPED: Final = """
    SELECT 1 FROM notification_profiles
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND mail_stopped_at IS NOT NULL
"""
_HOUR: Final = """
    SELECT digest_hour FROM notification_profiles
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_KEY: Final = """
    SELECT value FROM notification_mail_keys WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_ADD_KEY: Final = """
    INSERT INTO notification_mail_keys (tenant_id, user_id, value)
    VALUES (:tenant_id, :user_id, :value)
    ON CONFLICT (tenant_id, user_id) DO NOTHING
"""
_NEXT_DUE: Final = """
    SELECT min(due_at) FROM notification_mails
    WHERE tenant_id = :tenant_id AND due_at IS NOT NULL
"""
_OLDEST_ENDED: Final = """
    SELECT min(finished_at) FROM notification_mails
    WHERE tenant_id = :tenant_id AND finished_at IS NOT NULL
"""
_SWEEP: Final = """
    DELETE FROM notification_mails
    WHERE tenant_id = :tenant_id AND id IN (
        SELECT id FROM notification_mails
        WHERE tenant_id = :tenant_id AND finished_at < :before
        ORDER BY finished_at LIMIT :limit
    )
"""


class MailRepository:
    """Mail of a tenant's notifications."""

    def gathering(self, tx: Tx, user_ids: Iterable[str]) -> dict[Place, str]:
        """Return the mails of members that take more events; nobody sends them before this commits.

        They are found by their places.
        """
        given = msgspec.json.encode(list(user_ids)).decode()
        rows = tx.all(_GATHERING[tx.dialect], user_ids=given)
        return {(row[0], row[1], row[2]): str(row[3]) for row in rows}

    def add_many(self, tx: Tx, mails: Iterable[tuple[str, Place, Instant]]) -> None:
        """Insert mails that gather: their ids, places, and when they are due."""
        tx.execute_many(
            _INSERT,
            [
                {
                    "id": mail_id,
                    "user_id": user_id,
                    "kind": kind,
                    "notification_id": notification_id,
                    "due_at": due_at,
                }
                for mail_id, (user_id, kind, notification_id), due_at in mails
            ],
        )

    def add_events(self, tx: Tx, events: Iterable[tuple[str, str]]) -> None:
        """Let mails tell events, by the ids of both."""
        rows = [{"mail_id": mail_id, "event_id": event_id} for mail_id, event_id in events]
        tx.execute_many(_ADD_EVENT, rows)

    def due(self, tx: Tx, limit: int) -> list[Waiting]:
        """Return what is due now, the longest waiting first."""
        return [Waiting(*row) for row in tx.all(_DUE, limit=limit)]

    def find_due(self, tx: Tx, mail_id: str) -> Waiting | None:
        """Return a mail that is still due; nobody else claims it before this commits."""
        sql = _BY_ID + (" FOR UPDATE" if tx.dialect == "postgres" else "")
        row = tx.one(sql, id=mail_id)
        return Waiting(*row) if row else None

    def move(self, tx: Tx, mail_id: str, due_at: Instant) -> None:
        """Let a mail wait longer."""
        tx.execute(_MOVE, id=mail_id, due_at=due_at)

    def claim(self, tx: Tx, mail_id: str, holder: str, until: Instant) -> None:
        """Let `holder` alone send a mail until then; no event is added to it any more."""
        tx.execute(_CLAIM, id=mail_id, holder=holder, until=until)

    def end(  # noqa: PLR0913 - how it went
        self,
        tx: Tx,
        mail_id: str,
        *,
        attempt: int,
        holder: str,
        state: str,
        error: str | None,
        due_at: Instant | None,
    ) -> bool:
        """Keep how an attempt went; False when another process has claimed the mail meanwhile."""
        changed = tx.execute(
            _END,
            id=mail_id,
            attempts=attempt,
            holder=holder,
            state=state,
            error=error,
            due_at=due_at,
            finished_at=tx.now if due_at is None else None,
        )
        return changed == 1

    def drop(self, tx: Tx, mail_id: str) -> None:
        """Send a mail never."""
        tx.execute(_DROP, id=mail_id)

    def lines(self, tx: Tx, mail_id: str) -> tuple[Line, ...]:
        """Return what a mail tells, by item and then in the order of events."""
        rows = tx.all(_LINES, mail_id=mail_id, limit=events_max)
        return tuple(Line(*row) for row in rows)

    def count(self, tx: Tx, mail_id: str) -> int:
        """Return how many events there are to tell, those beyond a mail's limit too."""
        row = tx.one(_COUNT, mail_id=mail_id)
        return int(row[0]) if row else 0

    def is_stopped(self, tx: Tx, user_id: str) -> bool:
        """Return whether a member wants no mail at all."""
        return tx.one(_STOPPED, user_id=user_id) is not None

    def digest_hour(self, tx: Tx, user_id: str) -> int | None:
        """Return at which hour a member wants its digest, None for the tenant's."""
        row = tx.one(_HOUR, user_id=user_id)
        return row[0] if row else None

    def key(self, tx: Tx, user_id: str) -> str | None:
        """Return what signs a member's links."""
        row = tx.one(_KEY, user_id=user_id)
        return str(row[0]) if row else None

    def add_key(self, tx: Tx, user_id: str, value: str) -> None:
        """Keep what signs a member's links, unless there is something already."""
        tx.execute(_ADD_KEY, user_id=user_id, value=value)

    def next_due(self, tx: Tx) -> int | None:
        """Return when a mail is due next."""
        row = tx.one(_NEXT_DUE)
        return row[0] if row else None

    def oldest_ended(self, tx: Tx) -> int | None:
        """Return when the mail ended whose end lies longest ago."""
        row = tx.one(_OLDEST_ENDED)
        return row[0] if row else None

    def sweep(self, tx: Tx, before: int, limit: int) -> int:
        """Remove some that ended before then; return how many."""
        return tx.execute(_SWEEP, before=before, limit=limit)

"""The SQL of preferences."""

from __future__ import annotations

from typing import Final

from tidemill.board.notification_preferences.models import NO_PROFILE, Profile, mutes_max
from tidemill.board.notifications.models import REASONS, Wish
from tidemill.core.ports import Tx

_PROFILE: Final = """
    SELECT digest_hour, mail_stopped_at, version FROM notification_profiles
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_BEGIN: Final = """
    INSERT INTO notification_profiles (tenant_id, user_id, version, updated_at)
    VALUES (:tenant_id, :user_id, 0, :now)
    ON CONFLICT (tenant_id, user_id) DO NOTHING
"""
_SAVE: Final = """
    UPDATE notification_profiles
    SET digest_hour = :digest_hour, mail_stopped_at = :mail_stopped_at, version = :version,
        updated_at = :now
    WHERE tenant_id = :tenant_id AND user_id = :user_id
"""
_WISHES: Final = """
    SELECT reason, inbox, mail FROM notification_preferences
    WHERE tenant_id = :tenant_id AND user_id = :user_id
    ORDER BY reason LIMIT :limit
"""
_PUT: Final = """
    INSERT INTO notification_preferences (tenant_id, user_id, reason, inbox, mail)
    VALUES (:tenant_id, :user_id, :reason, :inbox, :mail)
    ON CONFLICT (tenant_id, user_id, reason) DO UPDATE
    SET inbox = excluded.inbox, mail = excluded.mail
"""
_REMOVE: Final = """
    DELETE FROM notification_preferences
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND reason = :reason
"""
_MUTES: Final = """
    SELECT project_id FROM notification_mutes
    WHERE tenant_id = :tenant_id AND user_id = :user_id
    ORDER BY project_id LIMIT :limit
"""
_MUTE: Final = """
    INSERT INTO notification_mutes (tenant_id, user_id, project_id, at)
    VALUES (:tenant_id, :user_id, :project_id, :now)
    ON CONFLICT (tenant_id, user_id, project_id) DO NOTHING
"""
_UNMUTE: Final = """
    DELETE FROM notification_mutes
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND project_id = :project_id
"""


class PreferenceRepository:
    """What members said of the reasons to hear of something."""

    def profile(self, tx: Tx, user_id: str, *, lock: bool = False) -> Profile:
        """Return a member's own times; with `lock` nobody else changes them before this commits."""
        sql = _PROFILE
        if lock:
            # The row is there from now on, so that two first changes wait for each other.
            tx.execute(_BEGIN, user_id=user_id)
            sql += " FOR UPDATE" if tx.dialect == "postgres" else ""
        row = tx.one(sql, user_id=user_id)
        return Profile(*row) if row else NO_PROFILE

    def save(self, tx: Tx, user_id: str, profile: Profile) -> None:
        """Write the next version of what was found with a lock."""
        tx.execute(
            _SAVE,
            user_id=user_id,
            digest_hour=profile.digest_hour,
            mail_stopped_at=profile.mail_stopped_at,
            version=profile.version,
        )

    def wishes(self, tx: Tx, user_id: str) -> dict[str, Wish]:
        """Return what a member said, by reason."""
        rows = tx.all(_WISHES, user_id=user_id, limit=len(REASONS) * 2)
        return {row[0]: Wish(row[1] == "on", row[2]) for row in rows}

    def put(self, tx: Tx, user_id: str, reason: str, wish: Wish) -> None:
        """Keep what a member says of a reason."""
        inbox = "on" if wish.inbox else "off"
        tx.execute(_PUT, user_id=user_id, reason=reason, inbox=inbox, mail=wish.mail)

    def remove(self, tx: Tx, user_id: str, reason: str) -> None:
        """Forget what a member said of a reason."""
        tx.execute(_REMOVE, user_id=user_id, reason=reason)

    def mutes(self, tx: Tx, user_id: str) -> list[str]:
        """Return the projects that a member has muted."""
        return [row[0] for row in tx.all(_MUTES, user_id=user_id, limit=mutes_max)]

    def mute(self, tx: Tx, user_id: str, project_id: str) -> bool:
        """Mute a project; return False when it was."""
        return tx.execute(_MUTE, user_id=user_id, project_id=project_id) == 1

    def unmute(self, tx: Tx, user_id: str, project_id: str) -> bool:
        """Unmute a project; return False when it was not muted."""
        return tx.execute(_UNMUTE, user_id=user_id, project_id=project_id) == 1

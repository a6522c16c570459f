"""The SQL of links to choose a new password."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.core.ids import UserId
from tidemill.core.ports import Tx

_INSERT: Final = """
    INSERT INTO password_resets (id, user_id, secret_hash, created_at, expires_at)
    VALUES (:id, :user_id, :secret_hash, :now, :expires_at)
"""
_FIND: Final = """
    SELECT id, user_id, secret_hash FROM password_resets
    WHERE id = :id AND used_at IS NULL AND expires_at > :now
"""
_USE: Final = "UPDATE password_resets SET used_at = :now WHERE id = :id AND used_at IS NULL"
_USE_ALL: Final = """
    UPDATE password_resets SET used_at = :now WHERE user_id = :user_id AND used_at IS NULL
"""
_RECENT: Final = """
    SELECT COUNT(*) FROM password_resets WHERE user_id = :user_id AND created_at > :since
"""
_PRUNE: Final = "DELETE FROM password_resets WHERE expires_at < :before"


class PasswordReset(Struct, frozen=True):
    """A link that holds."""

    id: str
    user_id: UserId
    secret_hash: str


class PasswordResetRepository:
    """Links to choose a new password."""

    def add(
        self, tx: Tx, user_id: UserId, *, id_: str, secret_hash: str, expires_at: Instant
    ) -> None:
        """Insert a link."""
        tx.execute(_INSERT, id=id_, user_id=user_id, secret_hash=secret_hash, expires_at=expires_at)

    def find(self, tx: Tx, id_: str) -> PasswordReset | None:
        """Return a link that holds."""
        row = tx.one(_FIND, id=id_)
        return PasswordReset(*row) if row else None

    def use(self, tx: Tx, id_: str) -> bool:
        """Use a link up; of all who try at once, one gets True."""
        return tx.execute(_USE, id=id_) == 1

    def use_all(self, tx: Tx, user_id: UserId) -> None:
        """Let no link of the person hold."""
        tx.execute(_USE_ALL, user_id=user_id)

    def recent(self, tx: Tx, user_id: UserId, since: Instant) -> int:
        """Return how many links were made since then."""
        row = tx.one(_RECENT, user_id=user_id, since=since)
        return int(row[0]) if row else 0

    def prune(self, tx: Tx, before: Instant) -> None:
        """Delete what is over."""
        tx.execute(_PRUNE, before=before)

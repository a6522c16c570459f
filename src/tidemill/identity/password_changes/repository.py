"""The SQL of links to choose a new password, and of requests for them."""

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

_ASK: Final = """
    INSERT INTO password_reset_requests (tenant_id, id, sealed, created_at)
    VALUES (:tenant_id, :id, :sealed, :now)
"""
_ASKED: Final = """
    SELECT id, sealed, created_at FROM password_reset_requests
    WHERE tenant_id = :tenant_id
    ORDER BY created_at, id
    LIMIT :limit
"""
_ANSWER: Final = "DELETE FROM password_reset_requests WHERE tenant_id = :tenant_id AND id = :id"


class PasswordReset(Struct, frozen=True):
    """A link that holds."""

    id: str
    user_id: UserId
    secret_hash: str


class Request(Struct, frozen=True):
    """A request for a link, as it waits."""

    id: str
    sealed: str
    created_at: Instant


class RequestRepository:
    """Requests for links; those of addresses that have no account, too."""

    def add(self, tx: Tx, id_: str, sealed: str) -> None:
        """Let a request wait."""
        tx.execute(_ASK, id=id_, sealed=sealed)

    def waiting(self, tx: Tx, limit: int) -> list[Request]:
        """Return requests, the oldest first."""
        return [Request(*row) for row in tx.all(_ASKED, limit=limit)]

    def remove(self, tx: Tx, id_: str) -> bool:
        """Remove a request; of all who try at once, one gets True."""
        return tx.execute(_ANSWER, id=id_) == 1


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

"""The SQL of failed attempts and known addresses."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity.attempts.models import Count

_COUNT: Final = """
    INSERT INTO login_failures (key, failures, window_ends_at)
    VALUES (:key, 1, :ends_at)
    ON CONFLICT (key) DO UPDATE
    SET failures = CASE WHEN login_failures.window_ends_at <= :now THEN 1
            ELSE login_failures.failures + 1 END,
        window_ends_at = CASE WHEN login_failures.window_ends_at <= :now
            THEN excluded.window_ends_at ELSE login_failures.window_ends_at END
    RETURNING failures, window_ends_at
"""
_FORGET: Final = "DELETE FROM login_failures WHERE key = :key"
_TAKE_BACK: Final = """
    UPDATE login_failures SET failures = failures - 1 WHERE key = :key AND failures > 0
"""
_PRUNE: Final = "DELETE FROM login_failures WHERE window_ends_at < :now"
_KNOWN: Final = """
    SELECT user_id FROM known_addresses
    WHERE user_id = :user_id AND address_hash = :address_hash AND last_seen_at > :since
"""
_REMEMBER: Final = """
    INSERT INTO known_addresses (user_id, address_hash, last_seen_at)
    VALUES (:user_id, :address_hash, :now)
    ON CONFLICT (user_id, address_hash) DO UPDATE SET last_seen_at = excluded.last_seen_at
"""
_PRUNE_KNOWN: Final = "DELETE FROM known_addresses WHERE last_seen_at < :before"


class AttemptRepository:
    """Failed attempts, by account and by address."""

    def count(self, tx: Tx, key: str, ends_at: Instant) -> Count:
        """Count one more failure; a window that is over begins anew."""
        row = tx.one(_COUNT, key=key, ends_at=ends_at)
        return Count(*row) if row else Count(1, ends_at)

    def forget(self, tx: Tx, key: str) -> None:
        """Forget the failures under a key."""
        tx.execute(_FORGET, key=key)

    def take_back(self, tx: Tx, key: str) -> None:
        """Uncount one attempt, which was none to guess."""
        tx.execute(_TAKE_BACK, key=key)

    def is_known(self, tx: Tx, user_id: UserId, address_hash: str, since: Instant) -> bool:
        """Return whether the person has logged in from this address."""
        row = tx.one(_KNOWN, user_id=user_id, address_hash=address_hash, since=since)
        return row is not None

    def remember(self, tx: Tx, user_id: UserId, address_hash: str) -> None:
        """Remember that the person has logged in from this address."""
        tx.execute(_REMEMBER, user_id=user_id, address_hash=address_hash)

    def prune(self, tx: Tx, before: Instant) -> None:
        """Delete what is over."""
        tx.execute(_PRUNE)
        tx.execute(_PRUNE_KNOWN, before=before)

"""The SQL of signing keys."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.identity.keys.models import SigningKey

_ALL: Final = """
    SELECT id, public_key, sealed_private_key, signs_from, verifies_until, created_at
    FROM signing_keys
    WHERE verifies_until IS NULL OR verifies_until > :now
    ORDER BY signs_from DESC, id DESC
    LIMIT 1000
"""
_INSERT: Final = """
    INSERT INTO signing_keys (id, public_key, sealed_private_key, signs_from, created_at)
    VALUES (:id, :public_key, :sealed_private_key, :signs_from, :now)
"""
_RETIRE: Final = """
    UPDATE signing_keys SET verifies_until = :until WHERE id <> :keep AND verifies_until IS NULL
"""
_REMOVE: Final = "DELETE FROM signing_keys WHERE id <> :keep"
_PRUNE: Final = "DELETE FROM signing_keys WHERE verifies_until < :now"


class SigningKeyRepository:
    """The installation's signing keys."""

    def all(self, tx: Tx) -> list[SigningKey]:
        """Return the newest keys that verify now, the oldest of them first."""
        return [SigningKey(*row) for row in reversed(tx.all(_ALL))]

    def add(self, tx: Tx, key: SigningKey) -> None:
        """Insert a key."""
        tx.execute(
            _INSERT,
            id=key.id,
            public_key=key.public_key,
            sealed_private_key=key.sealed_private_key,
            signs_from=key.signs_from,
        )

    def retire_others(self, tx: Tx, *, keep: str, until: Instant) -> None:
        """Let every other key verify until `until` only; forget what is past that."""
        tx.execute(_PRUNE)
        tx.execute(_RETIRE, keep=keep, until=until)

    def remove_others(self, tx: Tx, *, keep: str) -> None:
        """Let no other key verify from the commit on."""
        tx.execute(_REMOVE, keep=keep)

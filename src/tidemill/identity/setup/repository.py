"""The SQL of set-up tickets."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_INSERT: Final = """
    INSERT INTO setup_tickets (id, secret_hash, created_at, expires_at)
    VALUES (:id, :secret_hash, :now, :expires_at)
"""
_FIND: Final = """
    SELECT secret_hash FROM setup_tickets
    WHERE id = :id AND used_at IS NULL AND expires_at > :now
"""
_USE: Final = "UPDATE setup_tickets SET used_at = :now WHERE id = :id AND used_at IS NULL"
_PRUNE: Final = "DELETE FROM setup_tickets WHERE expires_at < :now"


class SetupTicketRepository:
    """Links that make the first owner."""

    def add(self, tx: Tx, *, id_: str, secret_hash: str, expires_at: Instant) -> None:
        """Insert a ticket; those that are over are deleted."""
        tx.execute(_PRUNE)
        tx.execute(_INSERT, id=id_, secret_hash=secret_hash, expires_at=expires_at)

    def secret_hash(self, tx: Tx, id_: str) -> str | None:
        """Return the hash of a ticket that holds."""
        row = tx.one(_FIND, id=id_)
        return str(row[0]) if row else None

    def use(self, tx: Tx, id_: str) -> bool:
        """Use a ticket up; of all who try at once, one gets True."""
        return tx.execute(_USE, id=id_) == 1

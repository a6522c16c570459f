"""The SQL of letters that wait."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.identity.letters.models import Waiting

_ADD: Final = """
    INSERT INTO letters (tenant_id, id, sealed, due_at, expires_at)
    VALUES (:tenant_id, :id, :sealed, :now, :expires_at)
"""
_DUE: Final = """
    SELECT id, sealed, attempts, expires_at FROM letters
    WHERE due_at <= :now AND held_until <= :now
    ORDER BY due_at
    LIMIT :limit
"""
_CLAIM: Final = """
    UPDATE letters SET attempts = attempts + 1, held_until = :until
    WHERE id = :id AND due_at <= :now AND held_until <= :now
"""
# Only by who holds it: another process may have it since.
_POSTPONE: Final = """
    UPDATE letters SET due_at = :due_at, held_until = 0 WHERE id = :id AND held_until = :held
"""
_REMOVE: Final = "DELETE FROM letters WHERE id = :id AND held_until = :held"


class LetterRepository:
    """Letters of all tenants, in the control store."""

    def add(self, tx: Tx, id_: str, sealed: str, expires_at: Instant) -> None:
        """Let a letter wait; it is due at once."""
        tx.execute(_ADD, id=id_, sealed=sealed, expires_at=expires_at)

    def due(self, tx: Tx, limit: int) -> list[Waiting]:
        """Return letters that are due and that nobody is sending."""
        return [Waiting(*row) for row in tx.all(_DUE, limit=limit)]

    def claim(self, tx: Tx, id_: str, until: Instant) -> bool:
        """Return whether the caller alone may try the letter until then."""
        return tx.execute(_CLAIM, id=id_, until=until) == 1

    def postpone(self, tx: Tx, id_: str, due_at: Instant, *, held: Instant) -> None:
        """Let a letter that the caller holds until `held` be tried again."""
        tx.execute(_POSTPONE, id=id_, due_at=due_at, held=held)

    def remove(self, tx: Tx, id_: str, *, held: Instant) -> None:
        """Forget a letter that the caller holds until `held`: it was sent or given up."""
        tx.execute(_REMOVE, id=id_, held=held)

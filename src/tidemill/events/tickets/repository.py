"""SQL of tickets, in the control store."""

from __future__ import annotations

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_ISSUE = """
    INSERT INTO ws_tickets (digest, tenant_id, actor, expires_at)
    VALUES (:digest, :tenant_id, :actor, :expires_at)
"""
_HAS = "SELECT 1 FROM ws_tickets WHERE digest = :digest"
_REDEEM = "DELETE FROM ws_tickets WHERE digest = :digest RETURNING actor, expires_at"
_PRUNE = "DELETE FROM ws_tickets WHERE expires_at <= :now"


def issue(tx: Tx, digest: str, actor: str, expires_at: Instant) -> None:
    """Keep a ticket; those that nobody used in time go."""
    tx.execute(_PRUNE)
    tx.execute(_ISSUE, digest=digest, actor=actor, expires_at=expires_at)


def has(tx: Tx, digest: str) -> bool:
    """Return whether there is this ticket."""
    return tx.one(_HAS, digest=digest) is not None


def redeem(tx: Tx, digest: str) -> str | None:
    """Remove a ticket and return its actor as JSON; None when it is unknown or too old."""
    row = tx.one(_REDEEM, digest=digest)
    return str(row[0]) if row is not None and row[1] > tx.now else None

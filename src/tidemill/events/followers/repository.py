"""SQL of followers: cursors, leases and parked facts."""

from __future__ import annotations

from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Tx

_CURSORS = "SELECT name, seq FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 1000"
_BEGIN = """
    INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, 0)
    ON CONFLICT (tenant_id, name) DO NOTHING
"""
_LOCK = """
    UPDATE followers SET seq = seq WHERE tenant_id = :tenant_id AND name = :name RETURNING seq
"""
_MOVE = """
    UPDATE followers SET seq = :seq
    WHERE tenant_id = :tenant_id AND name = :name AND seq < :seq
"""
_CLAIM = """
    INSERT INTO follower_leases (tenant_id, name, holder, held_until)
    VALUES (:tenant_id, :name, :holder, :until)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET holder = excluded.holder, held_until = excluded.held_until
    WHERE follower_leases.held_until <= :now OR follower_leases.holder = excluded.holder
"""
_RELEASE = """
    DELETE FROM follower_leases
    WHERE tenant_id = :tenant_id AND name = :name AND holder = :holder
"""
_PARK = """
    INSERT INTO parked_facts (tenant_id, name, seq, fact_id, attempts, error, parked_at)
    VALUES (:tenant_id, :name, :seq, :fact_id, :attempts, :error, :now)
    ON CONFLICT (tenant_id, name, seq) DO NOTHING
"""


def cursors(tx: Tx) -> dict[str, int]:
    """Return how far each follower has come."""
    return {row[0]: row[1] for row in tx.all(_CURSORS)}


def lock_cursor(tx: Tx, name: str) -> int:
    """Return how far `name` has come; nobody else can move it until the commit."""
    tx.execute(_BEGIN, name=name)
    row = tx.one(_LOCK, name=name)
    return int(row[0]) if row is not None else 0


def move_cursor(tx: Tx, name: str, seq: int) -> None:
    """Keep that `name` is done with everything up to `seq`."""
    tx.execute(_MOVE, name=name, seq=seq)


def claim(tx: Tx, name: str, holder: str, until: Instant) -> bool:
    """Return whether `holder` alone may run `name` until then."""
    return tx.execute(_CLAIM, name=name, holder=holder, until=until) > 0


def release(tx: Tx, name: str, holder: str) -> None:
    """Give the lease back."""
    tx.execute(_RELEASE, name=name, holder=holder)


def park(tx: Tx, name: str, fact: RecordedFact, *, attempts: int, error: str) -> None:
    """Set a fact aside."""
    tx.execute(_PARK, name=name, seq=fact.seq, fact_id=fact.id, attempts=attempts, error=error)

"""SQL of the outboxes of the control and jobs stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.core.clock import Instant
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Tx
from tidemill.events.stream.rows import recorded

_UNDELIVERED = """
    SELECT id, 0, feature, type, subject, at, actor, topics, data, traceparent
    FROM outbox
    WHERE tenant_id = :tenant_id AND delivered_at IS NULL
    ORDER BY position
    LIMIT :limit
"""
_DELIVERED = """
    UPDATE outbox SET delivered_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND delivered_at IS NULL
"""
_WAKE = """
    INSERT INTO tenant_wakeups (tenant_id, kind, due_at) VALUES (:tenant_id, 'tenant', :now)
    ON CONFLICT (tenant_id, kind) DO NOTHING
"""
_PRUNE = """
    DELETE FROM outbox
    WHERE tenant_id = :tenant_id AND delivered_at IS NOT NULL AND delivered_at < :before
"""
_PRUNE_AUDIT = """
    DELETE FROM audit_outbox
    WHERE tenant_id = :tenant_id AND delivered_at IS NOT NULL AND delivered_at < :before
"""
_TENANTS = """
    SELECT tenant_id FROM outbox
    WHERE tenant_id > :after AND delivered_at IS NOT NULL AND delivered_at < :before
    UNION
    SELECT tenant_id FROM audit_outbox
    WHERE tenant_id > :after AND delivered_at IS NOT NULL AND delivered_at < :before
    ORDER BY tenant_id
    LIMIT :limit
"""

TenantsPage = Callable[[Tx], list[str]]


def undelivered(tx: Tx, limit: int) -> list[RecordedFact]:
    """Return the oldest facts that no stream has yet; they have no number."""
    return [recorded(tx.tenant_id, row) for row in tx.all(_UNDELIVERED, limit=limit)]


def delivered(tx: Tx, facts: Sequence[RecordedFact]) -> None:
    """Mark facts as appended to their stream."""
    tx.execute_many(_DELIVERED, [{"id": fact.id} for fact in facts])


def wake_tenant(tx: Tx) -> None:
    """Make sure that the tenant's own store is looked into, also after a crash.

    Only in the control store. Facts that were appended to a stream from outside are not seen by
    what watches commits of the tenant's store.
    """
    tx.execute(_WAKE)


def prune(tx: Tx, before: Instant) -> int:
    """Delete the tenant's rows that were delivered before an instant."""
    return tx.execute(_PRUNE, before=before) + tx.execute(_PRUNE_AUDIT, before=before)


def tenants_to_prune(tx: Tx, *, after: str, before: Instant, limit: int) -> list[str]:
    """Return tenants with rows that were delivered before an instant."""
    return [row[0] for row in tx.all(_TENANTS, after=after, before=before, limit=limit)]

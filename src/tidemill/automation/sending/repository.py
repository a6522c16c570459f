"""The SQL of who may send, and of when a tenant has something to send."""

from __future__ import annotations

from typing import Final

from tidemill.automation.contract import WebhookId
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx

_LEASE: Final = """
    INSERT INTO webhook_leases (tenant_id, webhook_id, holder, held_until)
    VALUES (:tenant_id, :webhook_id, :holder, :until)
    ON CONFLICT (tenant_id, webhook_id) DO UPDATE
    SET holder = excluded.holder, held_until = excluded.held_until
    WHERE webhook_leases.held_until <= :now OR webhook_leases.holder = excluded.holder
"""
_RELEASE: Final = """
    DELETE FROM webhook_leases
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND holder = :holder
"""
_MARK: Final = (
    "SELECT due_at FROM tenant_wakeups WHERE tenant_id = :tenant_id AND kind = 'webhooks'"
)
_ADD: Final = """
    INSERT INTO tenant_wakeups (tenant_id, kind, due_at)
    VALUES (:tenant_id, 'webhooks', :due_at)
    ON CONFLICT (tenant_id, kind) DO NOTHING
"""
_MOVE: Final = """
    UPDATE tenant_wakeups SET due_at = :due_at
    WHERE tenant_id = :tenant_id AND kind = 'webhooks' AND due_at = :seen
"""
_REMOVE: Final = """
    DELETE FROM tenant_wakeups
    WHERE tenant_id = :tenant_id AND kind = 'webhooks' AND due_at = :seen
"""
_MARKED: Final = """
    SELECT tenant_id FROM tenant_wakeups
    WHERE kind = 'webhooks' AND due_at <= :now
    ORDER BY due_at LIMIT :limit
"""


class LeaseRepository:
    """Leases of webhooks."""

    def take(self, tx: Tx, webhook_id: WebhookId, holder: str, until: Instant) -> bool:
        """Return whether `holder` alone may send for the webhook until then."""
        return tx.execute(_LEASE, webhook_id=webhook_id, holder=holder, until=until) > 0

    def release(self, tx: Tx, webhook_id: WebhookId, holder: str) -> None:
        """Give the lease back."""
        tx.execute(_RELEASE, webhook_id=webhook_id, holder=holder)


class MarkRepository:
    """Marks in the control store: when a tenant has something to send next."""

    def of(self, tx: Tx) -> Instant | None:
        """Return the tenant's mark."""
        row = tx.one(_MARK)
        return Instant(row[0]) if row else None

    def move(self, tx: Tx, seen: Instant | None, due_at: Instant | None) -> bool:
        """Set the mark, or remove it for None; False when it is no more what was `seen`."""
        if due_at is None:
            return seen is None or tx.execute(_REMOVE, seen=seen) == 1
        if seen is None:
            return tx.execute(_ADD, due_at=due_at) == 1
        return tx.execute(_MOVE, due_at=due_at, seen=seen) == 1

    def due(self, tx: Tx, limit: int) -> list[TenantId]:
        """Return the tenants whose marks are due."""
        return [TenantId(row[0]) for row in tx.all(_MARKED, limit=limit)]

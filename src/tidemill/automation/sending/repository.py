"""The SQL of who may send."""

from __future__ import annotations

from typing import Final

from tidemill.automation.contract import WebhookId
from tidemill.core.clock import Instant
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


class LeaseRepository:
    """Leases of webhooks."""

    def take(self, tx: Tx, webhook_id: WebhookId, holder: str, until: Instant) -> bool:
        """Return whether `holder` alone may send for the webhook until then."""
        return tx.execute(_LEASE, webhook_id=webhook_id, holder=holder, until=until) > 0

    def release(self, tx: Tx, webhook_id: WebhookId, holder: str) -> None:
        """Give the lease back."""
        tx.execute(_RELEASE, webhook_id=webhook_id, holder=holder)

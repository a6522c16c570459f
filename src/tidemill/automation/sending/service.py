"""The transactions between attempts: who sends what next, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tidemill.automation.contract import WebhookId
from tidemill.automation.deliveries.models import (
    DeliveryState,
    problem_of,
    retry_seconds,
    succeeded,
)
from tidemill.automation.deliveries.repository import DeliveryRepository
from tidemill.automation.sending.repository import LeaseRepository
from tidemill.automation.webhooks.models import DisabledReason, Webhook
from tidemill.automation.webhooks.repository import WebhookRepository
from tidemill.automation.webhooks.service import Secrets, disable
from tidemill.core.calls import CallAnswer
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, seconds_after
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx
from tidemill.events import Marks

webhooks_per_turn_max: Final = 200
pruned_at_once_max: Final = 500
error_chars_max: Final = 500
_GONE: Final = 410


class SendingLimits(Struct, frozen=True, kw_only=True):
    """What bounds sending; a lease outlives any attempt. `disable_after_seconds` 0: never."""

    lease_seconds: float
    queued_max: int
    disable_after_seconds: float
    keep_seconds: float


class Parcel(Struct, frozen=True, kw_only=True):
    """What shall be sent now, and with which secrets it is signed."""

    webhook_id: WebhookId
    delivery_id: str
    url: str
    body: str
    secrets: tuple[str, ...]
    attempts: int


class Attempt(Struct, frozen=True, kw_only=True):
    """What came of a parcel."""

    parcel: Parcel
    answer: CallAnswer
    started_at: Instant
    duration_ms: int

    @property
    def succeeded(self) -> bool:
        """Return whether the receiver has taken it."""
        return succeeded(self.answer.status)

    @property
    def error(self) -> str | None:
        """Return what went wrong."""
        if self.succeeded:
            return None
        status = self.answer.status
        told = self.answer.problem if status is None else problem_of(status)
        return (told or "")[:error_chars_max]


class Sending:
    """Hands out parcels of one webhook to one holder at a time."""

    def __init__(
        self,
        tenants: Database,
        control: Database,
        secrets: Secrets,
        limits: SendingLimits,
        chance: Callable[[], float],
    ) -> None:
        self._tenants = tenants
        self._secrets = secrets
        self._limits = limits
        self._chance = chance
        self._webhooks = WebhookRepository()
        self._deliveries = DeliveryRepository()
        self._leases = LeaseRepository()
        self._marks = Marks(control, "webhooks")

    async def due(self, tenant_id: TenantId) -> list[WebhookId]:
        """Return the webhooks that something is due for now."""
        return await self._tenants.read(
            tenant_id, lambda tx: self._deliveries.webhooks_due(tx, webhooks_per_turn_max)
        )

    async def next_parcel(
        self, tenant_id: TenantId, webhook_id: WebhookId, holder: str, done: Attempt | None = None
    ) -> Parcel | None:
        """Keep what came of the parcel before, and return the next one.

        None, and the lease is given back, when nothing is due or another holds it.
        """
        chance = self._chance()

        def use_case(tx: Tx) -> Parcel | None:
            until = seconds_after(tx.now, self._limits.lease_seconds)
            is_ours = self._leases.take(tx, webhook_id, holder, until)
            # Also without the lease: what was sent counts, unless its next holder was first.
            webhook = self._webhooks.find(tx, webhook_id, lock=True)
            if webhook is not None and done is not None:
                self._keep(tx, webhook, done, chance)
                webhook = self._webhooks.find(tx, webhook_id)
            if not is_ours:
                return None
            parcel = self._next(tx, webhook, begins=done is None) if webhook is not None else None
            if parcel is None:
                self._leases.release(tx, webhook_id, holder)
            return parcel

        return await self._tenants.write(tenant_id, use_case)

    async def release(self, tenant_id: TenantId, webhook_id: WebhookId, holder: str) -> None:
        """Give the lease back before its end."""
        await self._tenants.write(
            tenant_id, lambda tx: self._leases.release(tx, webhook_id, holder)
        )

    async def prune(self, tenant_id: TenantId) -> None:
        """Remove what the log keeps no more, and what deleted webhooks left."""

        def use_case(tx: Tx) -> int:
            before = seconds_after(tx.now, -self._limits.keep_seconds)
            return self._deliveries.prune(tx, before, pruned_at_once_max)

        await self._tenants.write(tenant_id, use_case)

    async def arrange(self, tenant_id: TenantId) -> None:
        """Mark in the control store when this tenant has something to do next."""
        keep = round(self._limits.keep_seconds * MICROSECONDS_PER_SECOND)
        await self._marks.arrange(
            tenant_id,
            lambda: self._tenants.read(tenant_id, lambda tx: self._deliveries.next_due(tx, keep)),
        )

    async def postpone(self, tenant_id: TenantId) -> None:
        """Look at a tenant later, whose store cannot be used now."""
        await self._marks.postpone(tenant_id)

    async def tenants_due(self) -> list[TenantId]:
        """Return tenants whose marks are due."""
        return await self._marks.due()

    def _next(self, tx: Tx, webhook: Webhook, *, begins: bool) -> Parcel | None:
        if webhook.active_since is None:
            return None
        if begins and self._has_backlog(tx, webhook.id, webhook.active_since):
            disable(tx, webhook, DisabledReason.BACKLOG)
            return None
        row = self._deliveries.next_of(tx, webhook.id)
        if row is None:
            return None
        delivery_id, body, attempts = row
        return Parcel(
            webhook_id=webhook.id,
            delivery_id=delivery_id,
            url=webhook.url,
            body=body,
            secrets=self._secrets.valid(tx, webhook.id),
            attempts=attempts,
        )

    def _has_backlog(self, tx: Tx, webhook_id: WebhookId, since: Instant) -> bool:
        # What waited already when it was enabled again would disable it at once, for ever.
        most = self._limits.queued_max
        return self._deliveries.has_more_than(tx, webhook_id, most, since=since)

    def _keep(self, tx: Tx, webhook: Webhook, done: Attempt, chance: float) -> None:
        parcel = done.parcel
        attempts = parcel.attempts + 1
        state, due_at = DeliveryState.PENDING, None
        if done.succeeded:
            state = DeliveryState.DELIVERED
        elif attempts >= self._deliveries.attempts_max(tx, parcel.delivery_id):
            state = DeliveryState.FAILED
        else:
            due_at = seconds_after(tx.now, retry_seconds(attempts, chance))
        was_kept = self._deliveries.attempted(
            tx,
            parcel.delivery_id,
            parcel.attempts,
            state=str(state),
            due_at=due_at,
            attempted_at=done.started_at,
            duration_ms=done.duration_ms,
            status_code=done.answer.status,
            error=done.error,
            response_body=done.answer.body.replace("\x00", "") or None,
            finished_at=None if state is DeliveryState.PENDING else tx.now,
        )
        if was_kept:
            self._judge(tx, webhook, done)

    def _judge(self, tx: Tx, webhook: Webhook, done: Attempt) -> None:
        """Keep since when nothing but failures has come; disable what has failed for long."""
        if done.succeeded:
            if webhook.failing_since is not None:
                self._webhooks.set_failing(tx, webhook.id, None)
            return
        if done.answer.status == _GONE:
            disable(tx, webhook, DisabledReason.GONE)
            return
        if webhook.failing_since is None:
            self._webhooks.set_failing(tx, webhook.id, tx.now)
            return
        after = self._limits.disable_after_seconds
        if after and seconds_after(webhook.failing_since, after) <= tx.now:
            disable(tx, webhook, DisabledReason.FAILING)

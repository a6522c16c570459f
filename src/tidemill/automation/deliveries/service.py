"""What one can do with deliveries."""

from __future__ import annotations

from functools import partial

from tidemill.automation.contract import DeliveryId
from tidemill.automation.deliveries.models import (
    Delivery,
    DeliveryDetails,
    DeliveryState,
    body_of,
    ping_body,
)
from tidemill.automation.deliveries.repository import DeliveryRepository
from tidemill.automation.errors import DeliveryNotFound, WebhookIsDisabled
from tidemill.automation.webhooks.event_types import PING, EventType
from tidemill.automation.webhooks.models import Webhook
from tidemill.automation.webhooks.repository import WebhookRepository
from tidemill.automation.webhooks.service import Wake, found
from tidemill.core.actor import Actor
from tidemill.core.facts import RecordedFact
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class DeliveryService:
    """Use cases of deliveries; each names its webhook."""

    def __init__(self, tenants: Database, wake: Wake, *, attempts_max: int) -> None:
        self._tenants = tenants
        self._wake = wake
        self._attempts_max = attempts_max
        self._webhooks = WebhookRepository()
        self._deliveries = DeliveryRepository()

    async def list(
        self, webhook_id: str, page: PageRequest, *, state: DeliveryState | None, actor: Actor
    ) -> Page[Delivery]:
        """Return what was sent and what waits, newest first; raises `WebhookNotFound`."""
        before = after_text(page)

        def use_case(tx: Tx) -> list[Delivery]:
            found(self._webhooks, tx, webhook_id)
            limit = page.limit_plus_one
            return self._deliveries.page(tx, webhook_id, state, before=before, limit=limit)

        deliveries = await self._tenants.read(actor.tenant_id, use_case)
        return page_of(deliveries, page, lambda delivery: (delivery.id,))

    async def get(self, webhook_id: str, delivery_id: str, *, actor: Actor) -> DeliveryDetails:
        """Return a delivery; raises `WebhookNotFound` and `DeliveryNotFound`."""

        def use_case(tx: Tx) -> DeliveryDetails:
            found(self._webhooks, tx, webhook_id)
            return self._found(tx, webhook_id, delivery_id)

        return await self._tenants.read(actor.tenant_id, use_case)

    async def ping(
        self, webhook_id: str, *, actor: Actor, once: Once[Delivery] | None = None
    ) -> Delivery:
        """Send a webhook something to answer, once; raises `WebhookIsDisabled`."""

        def use_case(tx: Tx) -> Delivery:
            webhook = self._enabled(tx, webhook_id)
            event_id = tx.new_id()
            body = ping_body(webhook.id, event_id, tx.tenant_id, tx.now, actor)
            delivery = _waiting(tx, webhook, PING, event_id, attempts_max=1)
            self._deliveries.add(tx, delivery, body)
            _audit(tx, "ping", webhook, by=actor)
            tx.after_commit(partial(self._wake, actor.tenant_id))
            return delivery

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def replay(
        self,
        webhook_id: str,
        delivery_id: str,
        *,
        actor: Actor,
        once: Once[Delivery] | None = None,
    ) -> Delivery:
        """Send a delivery again, now, whatever its state; its id stays.

        Raises `DeliveryNotFound` and `WebhookIsDisabled`.
        """

        def use_case(tx: Tx) -> Delivery:
            webhook = self._enabled(tx, webhook_id)
            self._found(tx, webhook_id, delivery_id)
            self._deliveries.again(tx, delivery_id, attempts_more=self._attempts_max)
            _audit(tx, "replay", webhook, by=actor, after={"delivery_id": delivery_id})
            tx.after_commit(partial(self._wake, actor.tenant_id))
            return self._found(tx, webhook_id, delivery_id).delivery

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    def _enabled(self, tx: Tx, webhook_id: str) -> Webhook:
        webhook = found(self._webhooks, tx, webhook_id, lock=True)
        if not webhook.enabled:
            raise WebhookIsDisabled
        return webhook

    def _found(self, tx: Tx, webhook_id: str, delivery_id: str) -> DeliveryDetails:
        details = self._deliveries.find(tx, webhook_id, delivery_id)
        if details is None:
            raise DeliveryNotFound
        return details


def plan(
    tx: Tx, webhook: Webhook, fact: RecordedFact, event_type: EventType, *, attempts_max: int
) -> None:
    """Let `fact` wait for its way to `webhook`, in the caller's transaction."""
    delivery = _waiting(tx, webhook, event_type.name, fact.id, fact.seq, attempts_max=attempts_max)
    DeliveryRepository().add(tx, delivery, body_of(fact, event_type))


def _waiting(
    tx: Tx, webhook: Webhook, event_type: str, event_id: str, seq: int = 0, *, attempts_max: int
) -> Delivery:
    return Delivery(
        id=DeliveryId(tx.new_id()),
        webhook_id=webhook.id,
        event_type=event_type,
        event_id=event_id,
        seq=seq,
        state=str(DeliveryState.PENDING),
        attempts=0,
        attempts_max=attempts_max,
        due_at=tx.now,
        attempted_at=None,
        duration_ms=None,
        status_code=None,
        error=None,
        created_at=tx.now,
        finished_at=None,
    )


def _audit(tx: Tx, verb: str, webhook: Webhook, *, by: Actor, after: object = None) -> None:
    tx.audit(f"automation.webhooks.{verb}", by=by, resource=f"webhook:{webhook.id}", after=after)

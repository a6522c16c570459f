"""HTTP of deliveries."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.automation.deliveries.models import Delivery, DeliveryState
from tidemill.automation.deliveries.schemas import (
    DeliveryDetailsView,
    DeliveryPage,
    DeliveryView,
)
from tidemill.automation.deliveries.service import DeliveryService
from tidemill.automation.permissions import READ_WEBHOOKS, WRITE_WEBHOOKS
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, get, post
from tidemill.http.parameters import Cursor, Limit

InState = Annotated[
    DeliveryState | None, QueryParameter(name="state", description="Only those in this state.")
]


@get("/webhooks/{webhook_id:str}/deliveries", READ_WEBHOOKS)
async def list_deliveries(
    *,
    webhook_id: str,
    actor: Actor,
    deliveries: DeliveryService,
    in_state: InState = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> DeliveryPage:
    """List what was sent to a webhook and what waits, newest first."""
    page = page_request(limit, cursor, f"deliveries:{webhook_id}:{in_state or ''}")
    found = await deliveries.list(webhook_id, page, state=in_state, actor=actor)
    return DeliveryPage(
        items=[DeliveryView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}", READ_WEBHOOKS)
async def get_delivery(
    webhook_id: str, delivery_id: str, actor: Actor, deliveries: DeliveryService
) -> DeliveryDetailsView:
    """Read a delivery, with what is sent and what was answered."""
    return DeliveryDetailsView.shown(await deliveries.get(webhook_id, delivery_id, actor=actor))


@post("/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay", WRITE_WEBHOOKS)
async def replay_delivery(
    webhook_id: str,
    delivery_id: str,
    actor: Actor,
    idempotency: Idempotency,
    deliveries: DeliveryService,
) -> DeliveryView:
    """Send a delivery again, now, under its id."""
    replayed = await deliveries.replay(
        webhook_id, delivery_id, actor=actor, once=idempotency.once(Delivery)
    )
    return DeliveryView.of(replayed)


@post("/webhooks/{webhook_id:str}/ping", WRITE_WEBHOOKS)
async def ping_webhook(
    webhook_id: str, actor: Actor, idempotency: Idempotency, deliveries: DeliveryService
) -> DeliveryView:
    """Send `webhook.ping`, once; the answer is the delivery, which tells how it goes."""
    pinged = await deliveries.ping(webhook_id, actor=actor, once=idempotency.once(Delivery))
    return DeliveryView.of(pinged)


ROUTES = (list_deliveries, get_delivery, replay_delivery, ping_webhook)

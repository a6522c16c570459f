"""HTTP of webhooks."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET, UnsetType

from tidemill.automation.permissions import READ_WEBHOOKS, WRITE_WEBHOOKS
from tidemill.automation.webhooks.models import (
    NewWebhook,
    ShownSecret,
    Webhook,
    WebhookChanges,
)
from tidemill.automation.webhooks.schemas import (
    ChangeWebhook,
    CreateWebhook,
    EventTypePage,
    EventTypeView,
    NewWebhookView,
    RotateSecret,
    WebhookPage,
    WebhookView,
)
from tidemill.automation.webhooks.service import WebhookService
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import Idempotency, Tagged, composed, delete, get, patch, post
from tidemill.http.parameters import Cursor, Limit


@post("/webhooks", WRITE_WEBHOOKS)
async def create_webhook(
    data: CreateWebhook,
    actor: Actor,
    idempotency: Idempotency,
    webhooks: WebhookService,
    request: Request[Any, Any, Any],
) -> Tagged[NewWebhookView]:
    """Send facts to an address from now on; the secret is shown in this answer and never again."""
    new = NewWebhook(
        url=data.url,
        events=tuple(data.events),
        project=data.project_id,
        filter=data.filter,
        description=data.description,
        enabled=data.enabled,
    )
    once = idempotency.once(ShownSecret, without_secrets=ShownSecret.without_secret)
    return _shown(await webhooks.create(new, actor=actor, once=once), request)


@get("/webhooks", READ_WEBHOOKS)
async def list_webhooks(
    actor: Actor, webhooks: WebhookService, limit: Limit = None, cursor: Cursor = None
) -> WebhookPage:
    """List webhooks, oldest first."""
    found = await webhooks.list(page_request(limit, cursor, "webhooks"), actor=actor)
    return WebhookPage(
        items=[WebhookView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/webhooks/{webhook_id:str}", READ_WEBHOOKS)
async def get_webhook(
    webhook_id: str, actor: Actor, webhooks: WebhookService, request: Request[Any, Any, Any]
) -> Tagged[WebhookView]:
    """Read a webhook, without its secret."""
    return _answer(await webhooks.get(webhook_id, actor=actor), request)


@patch("/webhooks/{webhook_id:str}", WRITE_WEBHOOKS)
async def change_webhook(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    webhook_id: str,
    data: ChangeWebhook,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    webhooks: WebhookService,
    request: Request[Any, Any, Any],
) -> Tagged[WebhookView]:
    """Change a webhook, or enable it again: what waits is sent, what was missed is not."""
    changes = WebhookChanges(
        url=data.url,
        events=_texts(data.events),
        project=data.project_id,
        filter=data.filter,
        description=data.description,
        enabled=data.enabled,
    )
    webhook = await webhooks.change(
        webhook_id, changes, expected_version, actor=actor, once=idempotency.once(Webhook)
    )
    return _answer(webhook, request)


@delete("/webhooks/{webhook_id:str}", WRITE_WEBHOOKS)
async def delete_webhook(
    webhook_id: str, actor: Actor, expected_version: int | None, webhooks: WebhookService
) -> None:
    """Delete a webhook with its log; nothing more is sent."""
    await webhooks.delete(webhook_id, expected_version, actor=actor)


@post("/webhooks/{webhook_id:str}/rotate", WRITE_WEBHOOKS, status_code=200)
async def rotate_webhook_secret(
    *,
    webhook_id: str,
    data: RotateSecret,
    actor: Actor,
    idempotency: Idempotency,
    webhooks: WebhookService,
    request: Request[Any, Any, Any],
) -> Tagged[NewWebhookView]:
    """Make a new secret, shown this once; for a while deliveries are signed with both."""
    overlap = data.overlap_seconds
    once = idempotency.once(ShownSecret, without_secrets=ShownSecret.without_secret)
    return _shown(await webhooks.rotate(webhook_id, overlap, actor=actor, once=once), request)


@get("/webhook-event-types", READ_WEBHOOKS)
async def list_webhook_event_types(webhooks: WebhookService, page: PageRequest) -> EventTypePage:
    """List what webhooks can hear of, by name."""
    found = webhooks.types(page)
    return EventTypePage(
        items=[EventTypeView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


def _texts(given: list[str] | UnsetType | None) -> tuple[str, ...] | UnsetType | None:
    return tuple(given) if isinstance(given, list) else None if given is None else UNSET


def _answer(webhook: Webhook, request: Request[Any, Any, Any]) -> Tagged[WebhookView]:
    # What shows how deliveries go changes without a version.
    return composed(WebhookView.of(webhook), version=webhook.version, request=request)


def _shown(made: ShownSecret, request: Request[Any, Any, Any]) -> Tagged[NewWebhookView]:
    view = NewWebhookView.shown(made)
    return composed(view, version=made.webhook.version, request=request)


ROUTES = (
    create_webhook,
    list_webhooks,
    get_webhook,
    change_webhook,
    delete_webhook,
    rotate_webhook_secret,
    list_webhook_event_types,
)

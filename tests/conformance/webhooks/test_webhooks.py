"""Webhooks on every kind of store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.values import WORD
from tests.fixtures.webhooks import URL, WebhookWorld
from tidemill.automation.errors import (
    InvalidWebhook,
    TooManyWebhooks,
    UnknownEventType,
    WebhookNotFound,
)
from tidemill.automation.webhooks.models import NewWebhook, WebhookChanges, webhooks_max
from tidemill.board import InvalidFilter
from tidemill.board.errors import ProjectNotFound
from tidemill.core.pages import page_request
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def test_webhooks_integration_are_made_changed_and_deleted(world: WebhookWorld) -> None:
    made = await world.a_webhook("work_item.*", "job.finished", project="tm", filter="type:bug")
    webhook = made.webhook

    assert await world.webhook(made) == webhook
    assert (webhook.patterns, webhook.filter) == (("work_item.*", "job.finished"), "type:bug")
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    changed = await world.webhooks.change(
        webhook.id, WebhookChanges(filter=None, enabled=False), 1, actor=world.actor
    )
    assert (changed.filter, changed.enabled, changed.disabled_reason) == (None, False, "by_hand")
    assert (changed.project_id, changed.version) == (webhook.project_id, 2)
    with pytest.raises(VersionChanged):
        await world.webhooks.delete(webhook.id, 1, actor=world.actor)
    await world.webhooks.delete(webhook.id, 2, actor=world.actor)
    with pytest.raises(WebhookNotFound):
        await world.webhook(made)
    found = await world.webhooks.list(page_request(50, None), actor=world.actor)
    assert found.items == []
    assert (await world.fact_types())[-3:] == ["WebhookCreated", "WebhookUpdated", "WebhookDeleted"]
    assert (await world.audit_actions())[-3:] == [
        f"automation.webhooks.{verb}" for verb in ("create", "update", "delete")
    ]


async def test_webhooks_integration_never_tell_a_secret(world: WebhookWorld) -> None:
    made = await world.a_webhook(url=f"{URL}&token={WORD.replace(' ', '')}")
    rotated = await world.webhooks.rotate(made.webhook.id, 60, actor=world.actor)
    await world.webhooks.delete(made.webhook.id, None, actor=world.actor)

    told = str(
        [
            *await world.rows("SELECT data FROM stream WHERE tenant_id = :tenant_id"),
            *await world.rows(
                "SELECT resource, before, after, detail FROM audit_outbox "
                "WHERE tenant_id = :tenant_id"
            ),
            *await world.rows("SELECT value FROM webhook_secrets WHERE tenant_id = :tenant_id"),
        ]
    )
    for secret in (made.secret, rotated.secret, WORD.replace(" ", ""), "place=harbour"):
        assert secret is not None
        assert secret.removeprefix("whsec_") not in told


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"url": "ftp://example.org"}, InvalidWebhook, "url"),
        ({"url": "https://ada:secret@example.org/"}, InvalidWebhook, "url"),
        ({"url": "https://exämple.org/"}, InvalidWebhook, "url"),
        ({"url": "https://example.org:port/"}, InvalidWebhook, "url"),
        ({"url": "https://example.org/#part"}, InvalidWebhook, "url"),
        ({"url": "https://example.org/a b"}, InvalidWebhook, "url"),
        ({"url": "https://192.0.2.1/"}, InvalidWebhook, "url"),
        ({"url": "https://example.org/" + "x" * 2000}, InvalidWebhook, "url"),
        ({"events": ("work_itm.created",)}, UnknownEventType, "events"),
        ({"events": ("tide*",)}, UnknownEventType, "events"),
        ({"events": ()}, InvalidWebhook, "events"),
        ({"project": "NO"}, ProjectNotFound, "project_id"),
        ({"filter": "statsu:doing"}, InvalidFilter, "filter"),
        ({"filter": "assignee:me"}, InvalidFilter, "filter"),
        ({"filter": "is:open sort:-updated"}, InvalidFilter, "filter"),
        ({"description": "two\nlines"}, InvalidWebhook, "description"),
    ],
)
async def test_create_integration_refuses_what_would_never_work(
    world: WebhookWorld, fields: dict[str, Any], error: type[InvalidWebhook], param: str
) -> None:
    given = {"url": URL, "events": ("*",), **fields}

    with pytest.raises(error) as refused:
        await world.webhooks.create(NewWebhook(**given), actor=world.actor)

    assert refused.value.param == param


async def test_create_integration_bounds_the_webhooks_of_a_tenant(world: WebhookWorld) -> None:
    for _ in range(webhooks_max):
        await world.a_webhook()

    with pytest.raises(TooManyWebhooks):
        await world.a_webhook()


async def test_webhooks_integration_of_another_tenant_are_not_there(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    await world.an_item()
    await world.send()
    delivery = (await world.log(made))[0]
    stranger = world.an_actor((await world.another()).tenant_id)

    for attempt in (
        world.webhooks.get(made.webhook.id, actor=stranger),
        world.webhooks.change(made.webhook.id, WebhookChanges(), None, actor=stranger),
        world.webhooks.delete(made.webhook.id, None, actor=stranger),
        world.webhooks.rotate(made.webhook.id, 0, actor=stranger),
        world.deliveries.ping(made.webhook.id, actor=stranger),
        world.deliveries.list(made.webhook.id, page_request(50, None), state=None, actor=stranger),
        world.deliveries.get(made.webhook.id, delivery.id, actor=stranger),
        world.deliveries.replay(made.webhook.id, delivery.id, actor=stranger),
    ):
        with pytest.raises(WebhookNotFound):
            await attempt


async def test_secrets_integration_are_sealed_anew_by_a_new_key(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    sealed = "SELECT value FROM webhook_secrets WHERE tenant_id = :tenant_id"
    before = await world.rows(sealed)

    done = await world.variables.rotate(renew=True, actor=world.actor)

    assert done.secrets_sealed == 1
    assert await world.rows(sealed) != before
    assert await world.secrets_of(made) == (made.secret,)


@pytest.mark.each_database(reason="transactions race")
async def test_create_integration_who_races_makes_no_webhook_too_many(
    world: WebhookWorld,
) -> None:
    for _ in range(webhooks_max - 1):
        await world.a_webhook()

    made = await asyncio.gather(*(world.a_webhook() for _ in range(6)), return_exceptions=True)

    refused = [one for one in made if isinstance(one, TooManyWebhooks)]
    assert len(refused) == 5, made

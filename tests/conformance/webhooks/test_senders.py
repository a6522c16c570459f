"""Senders as they run in processes: woken, stopped, and told by others."""

from __future__ import annotations

import pytest

from tests.fixtures.stores import until
from tests.fixtures.webhooks import BROKEN, WebhookWorld
from tidemill.automation.sending.service import Attempt
from tidemill.automation.sending.waking import Announcer, WebhookDrain, hear
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio


def _sent(world: WebhookWorld, url: str) -> list[str]:
    """Return the ids of what was sent to `url`; other tests may have left something to send."""
    return [call.headers["webhook-id"] for call in world.receiver.calls if call.url == url]


async def test_sender_integration_sends_when_it_is_woken(world: WebhookWorld) -> None:
    url = "https://woken.example.org/hooks"
    made = await world.a_webhook("work_item.created", url=url)
    await world.sender.start()
    try:
        for number in (1, 2, 3):
            await world.an_item()
            await world.plan()
            world.sender.wake(world.tenant_id)
            await until(lambda: len(_sent(world, url)) == number)  # noqa: B023 - awaited at once
    finally:
        await world.sender.stop()

    assert len(_sent(world, url)) == len(await world.log(made)) == 3
    await world.an_item()
    await world.plan()
    world.sender.wake(world.tenant_id)
    assert len(_sent(world, url)) == 3, "it has stopped"


async def test_sender_integration_gives_up_its_lease_when_it_stops(
    world: WebhookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.automation.sending.sender.stop_seconds_max", 0.05)
    url = "https://leased.example.org/hooks"
    made = await world.a_webhook("work_item.created", url=url)
    await world.an_item()
    await world.plan()
    world.receiver.hangs = True
    await world.sender.start()
    world.sender.wake(world.tenant_id)
    await until(lambda: _sent(world, url))
    await world.sender.stop()
    world.receiver.hangs = False

    await world.send_by(world.a_sender("another"))

    assert [one.state for one in await world.log(made)] == ["delivered"]
    assert len(set(_sent(world, url))) == 1


async def test_drain_integration_wakes_once_and_marks_before_it_is_quiet(
    world: WebhookWorld,
) -> None:
    woken: list[TenantId] = []
    drain = WebhookDrain(world.sending, woken.append)
    await world.a_webhook()
    await world.an_item()
    await world.plan()

    for _ in range(3):
        assert (await drain.drain(StoreKind.TENANT, world.tenant_id)).clean
    assert woken == [world.tenant_id]
    assert world.tenant_id not in await world.sending.tenants_due()
    await drain.settle(StoreKind.TENANT, world.tenant_id)
    assert world.tenant_id in await world.sending.tenants_due()
    await drain.drain(StoreKind.TENANT, world.tenant_id)
    assert woken == [world.tenant_id] * 2


async def test_look_integration_passes_by_a_tenant_whose_store_is_away(
    world: WebhookWorld,
) -> None:
    lost = TenantId("01990000-0000-7000-8000-000000000000")
    await world.stores.control.write(
        lost,
        lambda tx: tx.execute(
            "INSERT INTO tenant_wakeups (tenant_id, kind, due_at) "
            "VALUES (:tenant_id, 'webhooks', 0) ON CONFLICT (tenant_id, kind) DO NOTHING"
        ),
    )

    await world.sender.look()

    assert lost not in await world.sending.tenants_due()


async def test_look_integration_passes_by_a_tenant_whose_store_is_broken(
    world: WebhookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(tenant_id: TenantId) -> None:
        raise RuntimeError(tenant_id)

    await world.a_webhook()
    await world.an_item()
    await world.plan()
    await world.sending.arrange(world.tenant_id)
    assert world.tenant_id in await world.sending.tenants_due()
    monkeypatch.setattr(world.sending, "prune", broken)

    await world.sender.look()

    assert world.tenant_id not in await world.sending.tenants_due()


async def test_announcer_wakes_the_senders_of_other_processes(world: WebhookWorld) -> None:
    woken: list[TenantId] = []
    bus = InProcessBus()
    bus.on_ephemeral(lambda update: hear(woken.append, update))
    await bus.start()
    announcer = Announcer(bus)

    announcer.wake(world.tenant_id)
    announcer.wake(world.tenant_id)

    await until(lambda: woken)
    await bus.stop()
    assert woken == [world.tenant_id]


async def test_plan_integration_hears_of_what_another_process_was_shown(
    world: WebhookWorld,
) -> None:
    here, there = world.followers, world.a_follower()
    await world.an_item()
    await world.plan()
    made = await world.a_webhook("work_item.created")

    world.followers = there
    await world.plan()
    world.followers = here
    await here.settle(StoreKind.TENANT, world.tenant_id)
    await world.an_item()
    await world.plan()

    assert [one.state for one in await world.log(made)] == ["pending"]


async def test_replay_integration_holds_while_the_last_attempt_is_under_way(
    world: WebhookWorld,
) -> None:
    made = await world.a_webhook("job.finished")
    pinged = await world.deliveries.ping(made.webhook.id, actor=world.actor)
    lease = (world.tenant_id, made.webhook.id, "one")
    parcel = await world.sending.next_parcel(*lease)
    assert parcel is not None

    await world.deliveries.replay(made.webhook.id, pinged.id, actor=world.actor)
    failed = Attempt(parcel=parcel, answer=BROKEN, started_at=world.clock.now(), duration_ms=1)
    await world.sending.next_parcel(*lease, failed)

    assert [(one.state, one.attempts) for one in await world.log(made)] == [("pending", 1)]

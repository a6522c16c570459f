"""Deliveries on every kind of store: what is sent, and how often."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.fixtures.webhooks import BROKEN, OK, URL, Call, WebhookWorld, attempts_max
from tidemill.automation.deliveries.models import DeliveryState
from tidemill.automation.errors import DeliveryNotFound, WebhookIsDisabled
from tidemill.automation.webhooks.models import WebhookChanges
from tidemill.board.bulk_changes.models import NewBulkChange
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.core.calls import CallAnswer
from tidemill.core.pages import page_request
from tidemill.jobs import JobFinished, JobId, JobState

pytestmark = pytest.mark.anyio

DAY = 86_400


def _signatures(call: Call, *secrets: str | None) -> str:
    """Return the header that the published algorithm gives."""
    signed = (
        f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    )
    keys = [base64.b64decode((secret or "").removeprefix("whsec_")) for secret in secrets]
    return " ".join(
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in keys
    )


async def test_send_integration_delivers_signed_facts_in_order(world: WebhookWorld) -> None:
    made = await world.a_webhook("work_item.created", "project*")
    item = await world.an_item(title="Mind the gap")
    await world.an_item()
    await world.a_comment()

    assert await world.send() == ["work_item.created"] * 2

    first, second = world.receiver.calls
    event = json.loads(first.body)
    assert (event["fact"], event["subject"], event["specversion"]) == (
        "WorkItemCreated", item.id, "1.0",
    )  # fmt: skip
    assert event["data"]["work_item"]["title"] == "Mind the gap"
    assert json.loads(second.body)["sequence"] == event["sequence"] + 1
    assert (first.url, first.headers["content-type"]) == (URL, "application/json")
    assert first.headers["webhook-signature"] == _signatures(first, made.secret)
    assert abs(int(first.headers["webhook-timestamp"]) - world.clock.now() / 1e6) < 60
    log = await world.log(made)
    assert [one.id for one in log] == [call.headers["webhook-id"] for call in (first, second)]
    assert {(one.state, one.attempts, one.status_code, one.error) for one in log} == {
        ("delivered", 1, 204, None)
    }
    assert await world.send() == []


async def test_send_integration_tells_each_webhook_what_it_wants(world: WebhookWorld) -> None:
    other = await world.a_project("OT")
    await world.an_item("bug", title="from before")
    of_project = await world.a_webhook("*", project=other.id)
    of_bugs = await world.a_webhook("work_item.*", filter="type:bug -status:done")
    of_jobs = await world.a_webhook("job*")
    asleep = await world.a_webhook("*", enabled=False)
    bug = await world.an_item("bug")
    await world.an_item("task", project="OT")
    await world.a_label()
    await world.items.delete(bug.id, actor=world.actor)
    finished = JobFinished(
        job_id=JobId("j1"),
        work_item_id=None,
        trigger_id=None,
        script_path="tide/mean",
        queued_at=world.clock.now(),
        state=JobState.FAILED,
        attempts=1,
        started_at=None,
        finished_at=world.clock.now(),
    )
    await world.stores.tenants.write(
        world.tenant_id, lambda tx: tx.record(finished, by=world.actor)
    )

    await world.send()

    async def heard(made: Any) -> list[str]:
        return [one.event_type for one in await world.log(made)]

    assert await heard(of_project) == ["work_item.created"]
    assert await heard(of_bugs) == ["work_item.created", "work_item.deleted"]
    assert await heard(of_jobs) == ["job.finished"]
    assert await heard(asleep) == []


async def test_send_integration_tells_of_many_items_whoever_wants_to_hear_of_one(
    world: WebhookWorld,
) -> None:
    await world.a_project("OT")
    for project in ("TM", "TM", "OT"):
        await world.an_item("bug", project=project)
    of_updates = await world.a_webhook("work_item.updated", filter="project:TM priority:high")
    of_many = await world.a_webhook("work_items.*")
    await world.a_webhook("work_item.deleted")

    await world.bulk.apply(
        NewBulkChange(
            references=("TM-1", "TM-2", "OT-1"), changes=WorkItemChanges(priority=Priority.HIGH)
        ),
        actor=world.actor,
    )
    await world.send()

    assert [one.event_type for one in await world.log(of_updates)] == ["work_items.updated"]
    assert [one.event_type for one in await world.log(of_many)] == ["work_items.updated"] * 2
    assert len(world.receiver.calls) == 3
    assert b'"key":"TM-2"' in world.receiver.calls[0].body


async def test_plan_integration_begins_with_the_first_webhook(world: WebhookWorld) -> None:
    await world.an_item()
    await world.plan()
    asleep = await world.a_webhook("work_item.created", enabled=False)
    await world.an_item()
    assert await world.send() == []
    await world.webhooks.change(
        asleep.webhook.id, WebhookChanges(enabled=True), None, actor=world.actor
    )
    await world.an_item(title="the first")

    assert await world.send() == ["work_item.created"]

    assert b"the first" in world.receiver.calls[0].body


async def test_send_integration_tries_again_later_and_later(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    world.receiver.answers = [BROKEN, CallAnswer(status=302), CallAnswer(problem="No answer.")]
    await world.an_item()
    waits = []
    for wait in (0.0, 10.0, 40.0, 160.0):
        world.clock.advance(wait)
        assert await world.send() == ["work_item.created"]
        (line,) = await world.log(made)
        waits.append((line.state, line.attempts, line.status_code))
        assert await world.send() == [], "it waits for its time"

    assert waits == [
        ("pending", 1, 500), ("pending", 2, 302), ("pending", 3, None), ("failed", 4, None),
    ]  # fmt: skip
    assert len({call.headers["webhook-id"] for call in world.receiver.calls}) == 1
    assert len({call.body for call in world.receiver.calls}) == 1
    assert (line.error, line.due_at, attempts_max) == ("No answer.", None, 4)
    assert (await world.webhook(made)).failing_since is not None
    world.receiver.answers = [CallAnswer(status=200, body="thanks\x00")]
    replayed = await world.deliveries.replay(made.webhook.id, line.id, actor=world.actor)
    assert (replayed.state, replayed.id) == ("pending", line.id)
    assert await world.send() == ["work_item.created"]
    assert world.receiver.calls[-1].headers["webhook-id"] == line.id
    details = await world.deliveries.get(made.webhook.id, line.id, actor=world.actor)
    assert (details.delivery.state, details.delivery.attempts) == ("delivered", 5)
    assert (details.response_body, details.body) == (
        "thanks", world.receiver.calls[-1].body.decode(),
    )  # fmt: skip
    assert (await world.webhook(made)).failing_since is None


async def test_send_integration_goes_on_while_one_delivery_waits(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    world.receiver.answers = [BROKEN, OK]
    await world.an_item()
    await world.an_item()

    await world.send()

    assert [one.state for one in await world.log(made)] == ["pending", "delivered"]


async def test_send_integration_disables_what_fails_for_long(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    world.receiver.answers = [BROKEN]
    await world.an_item()
    await world.send()
    await world.an_item()
    world.clock.advance(3601)

    await world.send()

    webhook = await world.webhook(made)
    assert (webhook.enabled, webhook.disabled_reason, webhook.version) == (False, "failing", 2)
    assert (await world.fact_types())[-1] == "WebhookDisabled"
    assert (await world.audit_actions())[-1] == "automation.webhooks.disable"
    for refused in (
        world.deliveries.ping(made.webhook.id, actor=world.actor),
        world.deliveries.replay(made.webhook.id, (await world.log(made))[0].id, actor=world.actor),
    ):
        with pytest.raises(WebhookIsDisabled):
            await refused
    await world.an_item(title="while it was disabled")
    world.receiver.answers = [OK]
    assert await world.send() == []

    await world.webhooks.change(
        made.webhook.id, WebhookChanges(enabled=True), None, actor=world.actor
    )
    world.clock.advance(DAY / 4)

    assert await world.send() == ["work_item.created"] * 2, "what waited is sent"
    assert (await world.webhook(made)).disabled_reason is None


async def test_send_integration_disables_at_410_and_at_a_lost_filter(world: WebhookWorld) -> None:
    label = await world.a_label()
    gone = await world.a_webhook()
    world.receiver.answers = [CallAnswer(status=410)]
    await world.an_item()
    await world.send()
    filtered = await world.a_webhook(filter="label:tides")
    await world.labels.delete(label.id, actor=world.actor)
    await world.an_item()
    await world.send()

    assert (await world.webhook(gone)).disabled_reason == "gone"
    assert (await world.webhook(filtered)).disabled_reason == "filter"


async def test_send_integration_disables_what_takes_too_little(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    for _ in range(3):
        await world.an_item()
    await world.plan()
    sender = world.a_sender(sending=world.sending_with(queued_max=2))

    await world.send_by(sender)

    assert (await world.webhook(made)).disabled_reason == "backlog"
    assert world.receiver.calls == []

    world.clock.advance(1)
    enabled = WebhookChanges(enabled=True)
    await world.webhooks.change(made.webhook.id, enabled, None, actor=world.actor)
    await world.send_by(sender)
    assert len(world.receiver.calls) == 3, "what waited is sent"


async def test_ping_integration_is_sent_once(world: WebhookWorld) -> None:
    made = await world.a_webhook("job.finished")
    world.receiver.answers = [BROKEN]

    pinged = await world.deliveries.ping(made.webhook.id, actor=world.actor)

    assert world.woken[-1] == world.tenant_id
    assert await world.send() == ["webhook.ping"]
    (line,) = await world.log(made)
    assert (line.id, line.state, line.error) == (pinged.id, "failed", "The answer was 500.")
    details = await world.deliveries.get(made.webhook.id, line.id, actor=world.actor)
    assert details.response_body == "out of order"
    with pytest.raises(DeliveryNotFound):
        await world.deliveries.get(made.webhook.id, made.webhook.id, actor=world.actor)


async def test_rotate_integration_signs_with_both_secrets_for_a_while(world: WebhookWorld) -> None:
    made = await world.a_webhook("work_item.created")
    rotated = await world.webhooks.rotate(made.webhook.id, 60, actor=world.actor)
    await world.an_item()
    await world.send()
    world.clock.advance(61)
    await world.an_item()
    await world.send()

    both, one = world.receiver.calls
    assert both.headers["webhook-signature"] == _signatures(both, rotated.secret, made.secret)
    assert one.headers["webhook-signature"] == _signatures(one, rotated.secret)
    await world.webhooks.rotate(made.webhook.id, 60, actor=world.actor)
    last = await world.webhooks.rotate(made.webhook.id, 0, actor=world.actor)
    assert await world.secrets_of(made) == (last.secret,)


async def test_list_integration_pages_the_log_by_state(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    world.receiver.answers = [BROKEN, OK]
    for _ in range(3):
        await world.an_item()
    await world.send()
    log = await world.log(made)

    first = await world.deliveries.list(
        made.webhook.id, page_request(2, None), state=None, actor=world.actor
    )
    rest = await world.deliveries.list(
        made.webhook.id, page_request(2, first.next_cursor), state=None, actor=world.actor
    )
    waiting = await world.deliveries.list(
        made.webhook.id, page_request(2, None), state=DeliveryState.PENDING, actor=world.actor
    )

    assert [one.id for one in first.items + rest.items] == [one.id for one in log[::-1]]
    assert [one.id for one in waiting.items] == [log[0].id]


@pytest.mark.each_database(reason="transactions race")
async def test_senders_at_once_never_send_the_same(world: WebhookWorld) -> None:
    made = await world.a_webhook("work_item.created")
    for _ in range(6):
        await world.an_item()
    await world.plan()
    senders = [world.a_sender(f"holder {number}") for number in range(3)]

    await asyncio.gather(*(world.send_by(sender) for sender in senders))

    sent = [call.headers["webhook-id"] for call in world.receiver.calls]
    assert sent == [one.id for one in await world.log(made)]


@pytest.mark.each_database(reason="transactions race")
async def test_next_parcel_race_is_for_who_holds_the_lease(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    await world.an_item()
    await world.plan()
    webhook_id = made.webhook.id
    first = await world.sending.next_parcel(world.tenant_id, webhook_id, "first")
    assert first is not None

    assert await world.sending.next_parcel(world.tenant_id, webhook_id, "second") is None
    world.clock.advance(41)
    again = await world.sending.next_parcel(world.tenant_id, webhook_id, "second")

    assert again == first, "who was killed has sent nothing, as far as anybody knows"


async def test_marks_integration_bring_up_what_a_crash_left(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    world.receiver.answers = [BROKEN, OK]
    await world.an_item()
    await world.send()
    await world.sending.arrange(world.tenant_id)
    assert world.tenant_id not in await world.sending.tenants_due()
    world.clock.advance(11)
    assert world.tenant_id in await world.sending.tenants_due()

    # A fresh process finds it by its mark alone.
    fresh = world.a_sender("fresh", world.sending_with())
    await fresh.look()
    await world.send_by(fresh)
    await fresh.look()

    assert [one.state for one in await world.log(made)] == ["delivered"]
    assert world.tenant_id not in await world.sending.tenants_due()
    world.clock.advance(DAY + 1)
    assert world.tenant_id in await world.sending.tenants_due()
    await fresh.look()
    assert await world.log(made) == [], "the log is pruned"
    assert world.tenant_id not in await world.sending.tenants_due()


async def test_plan_integration_loses_and_doubles_nothing_at_a_crash(world: WebhookWorld) -> None:
    made = await world.a_webhook("work_item.created")
    await world.an_item()
    await world.plan()
    await world.an_item()
    world.followers = world.a_follower()

    await world.plan()

    assert len(await world.log(made)) == 2


async def test_prune_integration_removes_what_a_deleted_webhook_left(world: WebhookWorld) -> None:
    made = await world.a_webhook()
    await world.an_item()
    await world.plan()
    await world.webhooks.delete(made.webhook.id, None, actor=world.actor)

    await world.sending.arrange(world.tenant_id)
    await world.sender.look()

    for table in ("webhooks", "webhook_secrets", "webhook_leases", "webhook_deliveries"):
        rows = await world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = :tenant_id")
        assert list(rows) == [], table
    assert world.tenant_id not in await world.sending.tenants_due()

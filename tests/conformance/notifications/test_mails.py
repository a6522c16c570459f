"""What mail of notifications promises, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import anyio
import pytest
from msgspec import structs

from tests.fixtures.notifications import BATCH_SECONDS, NotificationWorld
from tidemill.board.notification_errors import UnsubscribeLinkInvalid
from tidemill.board.notification_mails.models import at_once_waiting_max, events_max
from tidemill.board.notification_preferences.models import PreferenceChanges
from tidemill.board.notifications.models import Folder, NotificationChanges
from tidemill.core.clock import Instant, from_datetime
from tidemill.core.ids import TenantId
from tidemill.core.ports import Mail, StoreKind

pytestmark = pytest.mark.anyio

_MAILS: Final = """
    SELECT id, state, attempts, error FROM notification_mails
    WHERE tenant_id = :tenant_id ORDER BY id
"""


def _token(mail: Mail) -> str:
    link = mail.headers["List-Unsubscribe"]
    assert link.startswith("<http://tide.example/unsubscribe?token=")
    assert link.endswith(">")
    return link[1:-1].partition("token=")[2]


def _set_clock(world: NotificationWorld, at: datetime) -> None:
    world.clock.advance((from_datetime(at) - world.clock.now()) / 1_000_000)


async def test_mails_integration_gather_about_one_item_and_go_out_once(
    world: NotificationWorld,
) -> None:
    world.actor = await world.a_reader("Ada")
    bo = await world.a_reader("Bo")
    item = await world.an_item(title="Read <the> tables")
    await world.a_comment("Look, @Bo: 1 < 2", item=item.key)
    await world.a_comment("And here, @Bo", item=item.key)
    await world.tell()

    assert await world.send(after=0) == []
    [mail] = await world.send()
    assert await world.send() == []

    assert (mail.to, mail.subject) == ("bo@example.org", "[Harbour] TM-1 Read <the> tables")
    assert mail.text.count("Ada mentioned you in a comment.") == 2
    assert "      > Look, @Bo: 1 < 2" in mail.text
    assert mail.html is not None
    assert "Read &lt;the&gt; tables" in mail.html
    assert "Look, @Bo: 1 &lt; 2" in mail.html
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    await world.a_comment("Once more, @Bo", item=item.key)
    await world.tell()
    [second] = await world.send()
    assert second.text.count("mentioned you") == 1
    assert second.message_id != mail.message_id
    assert bo.id


async def test_mails_integration_tell_fifty_events_and_how_many_more_there_are(
    world: NotificationWorld,
) -> None:
    await world.a_reader("Bo")
    item = await world.an_item(title="Busy")
    for _ in range(events_max):
        await world.a_comment("@Bo", item=item.key)
    await world.tell()
    [full] = await world.send()
    for _ in range(events_max + 2):
        await world.a_comment("@Bo", item=item.key)
    await world.tell()
    [over] = await world.send()

    assert full.text.count("mentioned you") == over.text.count("mentioned you") == events_max
    assert " more:" not in full.text
    assert "And 2 more: tidemill inbox list" in over.text
    assert over.html is not None
    assert "And 2 more in your inbox." in over.html


async def test_mails_integration_leave_out_what_was_read_or_deleted(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader("Bo")
    first, second = await world.an_item(), await world.an_item()
    await world.a_comment("@Bo", item=first.key)
    secret = await world.a_comment("My word is sesame, @Bo", item=second.key)
    [_, row] = await world.inbox(bo)
    await world.notifications.change(row.id, NotificationChanges(is_read=True), None, actor=bo)
    await world.comments.delete(secret.id, actor=world.actor)

    [mail] = await world.send()

    assert "TM-2" in mail.subject
    assert "sesame" not in mail.text + (mail.html or "")


async def test_mails_integration_are_tried_again_under_the_same_id_and_then_given_up(
    world: NotificationWorld,
) -> None:
    await world.a_reader("Bo")
    await world.an_item()
    await world.a_comment("@Bo")
    await world.tell()
    world.letterbox.refuses = True
    assert await world.send() == []
    [state] = await world.rows(_MAILS)
    assert (state[1], state[3]) == ("sending", "The mail was not sent. The server is away.")
    assert await world.send(after=10) == []

    world.letterbox.refuses = False
    [mail] = await world.send(after=120)
    assert mail.message_id == state[0]

    await world.a_comment("@Bo, again")
    await world.tell()
    world.letterbox.refuses = True
    for _ in range(4):
        assert await world.send(after=3600) == []
    states = await world.rows(_MAILS)
    assert [(one[1], one[2]) for one in states] == [("sent", 2), ("failed", 3)]


async def test_mails_integration_go_on_behind_one_that_breaks_the_mailer(
    world: NotificationWorld,
) -> None:
    for name in ("Bo", "Cy"):
        await world.a_reader(name)
    await world.an_item()
    await world.a_comment("@Bo and @Cy")
    await world.tell()
    world.letterbox.breaks_for = "bo@example.org"

    [mail] = await world.send()

    assert mail.to == "cy@example.org"
    states = {(row[1], row[3]) for row in await world.rows(_MAILS)}
    assert states == {("sending", "The mailer broke: UnicodeError."), ("sent", None)}


async def test_looks_integration_outlast_a_tenant_that_cannot_even_be_postponed(
    world: NotificationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, served = TenantId("broken"), list[TenantId]()

    async def due() -> list[TenantId]:
        return [broken, world.tenant_id]

    async def sweep(tenant_id: TenantId) -> None:
        # The other one has broken down by then.
        await anyio.wait_all_tasks_blocked()
        served.append(tenant_id)

    async def break_down(_: TenantId) -> None:
        raise OSError

    monkeypatch.setattr(world.mailing, "tenants_due", due)
    monkeypatch.setattr(world.mailing, "postpone", break_down)
    monkeypatch.setattr(world.mailing, "sweep", sweep)

    await world.a_sender().look()

    assert served == [world.tenant_id]


@pytest.mark.each_database(reason="rows are locked on PostgreSQL alone")
async def test_mails_integration_are_sent_by_one_of_two_processes(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader("Bo")
    await world.an_item()
    await world.a_comment("@Bo")
    await world.tell()
    world.clock.advance(BATCH_SECONDS)
    contact = world.contacts[bo.id]
    [waiting] = await world.mailing.due(world.tenant_id)

    mine = await world.mailing.claim(world.tenant_id, waiting.id, contact, "one")
    other = await world.mailing.claim(world.tenant_id, waiting.id, contact, "another")
    # Its process dies, and another one takes over when the lease has ended.
    world.clock.advance(76)
    [again] = await world.mailing.due(world.tenant_id)
    taken = await world.mailing.claim(world.tenant_id, again.id, contact, "another")
    assert mine is not None
    assert taken is not None
    assert (other, taken.attempt) == (None, 2)
    await world.mailing.ended(world.tenant_id, mine, "one", "too late")
    await world.mailing.ended(world.tenant_id, taken, "another", None)

    [row] = await world.rows(_MAILS)
    assert tuple(row[1:]) == ("sent", 2, None)


async def test_digests_integration_come_at_the_hour_of_the_readers_own_zone(
    world: NotificationWorld,
) -> None:
    world.actor = await world.a_reader("Ada")
    _set_clock(world, datetime(2031, 3, 3, 12, tzinfo=UTC))
    bo, cy = await world.a_reader("Bo", "America/New_York"), await world.a_reader("Cy")
    await world.preferences.change(PreferenceChanges(digest_hour=18), None, actor=cy)
    for _ in range(2):
        item = await world.an_item()
        for one in (bo, cy):
            await world.watchers.watch(item.key, "me", actor=one)
        await world.a_comment(item=item.key)
    await world.tell()
    assert await world.send(after=1) == []

    _set_clock(world, datetime(2031, 3, 3, 12, 59, tzinfo=UTC))
    assert await world.send(after=0) == []
    _set_clock(world, datetime(2031, 3, 3, 13, 1, tzinfo=UTC))
    [of_bo] = await world.send(after=0)
    _set_clock(world, datetime(2031, 3, 3, 18, 1, tzinfo=UTC))
    [of_cy] = await world.send(after=0)
    _set_clock(world, datetime(2031, 3, 5, 18, 1, tzinfo=UTC))
    assert await world.send(after=0) == [], "there is nothing new"

    assert (of_bo.to, of_cy.to) == ("bo@example.org", "cy@example.org")
    assert of_bo.subject == "[Harbour] News of 2 work items"
    assert of_bo.text.index("TM-1") < of_bo.text.index("TM-2")


async def test_mails_integration_never_reach_who_left_or_unsubscribed(
    world: NotificationWorld,
) -> None:
    bo, _ = await world.a_reader("Bo"), await world.a_reader("Cy")
    await world.an_item()
    await world.a_comment("@Bo and @Cy")
    await world.tell()
    mails = {mail.to: mail for mail in await world.send()}
    token = _token(mails["bo@example.org"])
    of_cy = _token(mails["cy@example.org"])

    await world.unsubscribing.check(token)
    assert not (await world.preferences.get(actor=bo)).is_mail_stopped
    for _ in range(2):
        await world.unsubscribing.stop(token)
    world.contacts = {bo.id: world.contacts[bo.id]}
    await world.a_comment("@Bo and @Cy, once more")
    assert len(await world.inbox(bo)) == 1
    assert await world.send() == []

    told = await world.preferences.get(actor=bo)
    assert (told.is_mail_stopped, told.version) == (True, 1)
    audited = [one for one in await world.audit_actions() if "unsubscribe" in one]
    assert audited == ["board.notification_preferences.unsubscribe"]
    tenant, _, mac = token.split(".")
    forged = [
        "",
        "a.b.c",
        f"{tenant}.{bo.id}.{mac[:-1]}",
        f"{tenant}.{bo.id}.{of_cy.split('.')[2]}",
        f"{bo.id}.{bo.id}.{mac}",
        token + "é",
    ]
    for wrong in forged:
        with pytest.raises(UnsubscribeLinkInvalid):
            await world.unsubscribing.stop(wrong)
    back = await world.preferences.change(PreferenceChanges(is_mail_stopped=False), 1, actor=bo)
    await world.a_comment("@Bo, welcome back")
    await world.tell()
    assert back.version == 2
    assert [mail.to for mail in await world.send()] == ["bo@example.org"]


async def test_mails_integration_of_many_items_become_a_digest(world: NotificationWorld) -> None:
    world.defaults = structs.replace(world.defaults, mail_at_once=("assigned",))
    bo = await world.a_reader("Bo")
    for _ in range(at_once_waiting_max + 2):
        await world.an_item(assignee_id=bo.id)
    await world.tell()

    at_once = await world.send()
    later = await world.send(after=86_400)

    assert len(at_once) == at_once_waiting_max
    assert [mail.subject for mail in later] == ["[Harbour] News of 2 work items"]


async def test_mails_integration_want_no_inbox(world: NotificationWorld) -> None:
    world.defaults = structs.replace(world.defaults, inbox_off=("mentioned",))
    bo = await world.a_reader("Bo")
    await world.an_item()
    await world.a_comment("@Bo")
    await world.a_comment("@Bo, again")

    assert (await world.reasons(bo), world.bell.rung) == ([], [])
    [mail] = await world.send()
    assert mail.text.count("mentioned you") == 2


async def test_sweeps_integration_follow_marks_and_leave_what_is_new(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader("Bo")
    old, new = await world.an_item(assignee_id=bo.id), await world.an_item()
    await world.tell()
    await world.mail_drain.settle(StoreKind.TENANT, world.tenant_id)
    assert world.tenant_id not in await world.mailing.tenants_due()
    world.clock.advance(91 * 86_400)
    await world.a_comment("@Bo", item=new.key)
    assert [row.item_key for row in await world.inbox(bo)] == [new.key, old.key]
    assert world.tenant_id in await world.mailing.tenants_due()

    await world.a_sender().look()

    assert [row.item_key for row in await world.inbox(bo)] == [new.key]
    events = await world.rows("SELECT reason FROM notification_events WHERE tenant_id = :tenant_id")
    assert [row[0] for row in events] == ["mentioned"]
    assert world.tenant_id not in await world.mailing.tenants_due()
    assert await world.reasons(bo, Folder.ARCHIVED) == []
    assert Instant(0) < world.clock.now()

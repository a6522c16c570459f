"""Who is reminded of what is due, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest

from tests.fixtures.notifications import LIMITS, NotificationWorld
from tidemill.board.notification_mails.sender import MailSender
from tidemill.board.notification_mails.service import Mailing
from tidemill.board.reminders.service import Reminding
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.actor import Actor
from tidemill.core.clock import from_datetime
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio
_HOUR = 8


def _reminding(world: NotificationWorld) -> Reminding:
    return Reminding(world.stores.tenants, world, world.defaults_of)


async def _at(world: NotificationWorld, day: date, hour: float, zone: str = "UTC") -> None:
    """Let it be that time where `zone` is, and look once."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(hours=hour)
    world.clock.advance((from_datetime(wall) - world.clock.now()) / 1_000_000)
    await _reminding(world).remind(world.tenant_id)


async def _next(world: NotificationWorld) -> datetime | None:
    def use_case(tx: Tx) -> int | None:
        return _reminding(world).next_due(tx)

    at = await world.stores.tenants.read(world.tenant_id, use_case)
    return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)


def _today(world: NotificationWorld) -> date:
    return datetime.fromtimestamp(world.clock.now() / 1_000_000, UTC).date()


async def _an_item_of(reader: Actor, world: NotificationWorld, days: int) -> date:
    due = _today(world) + timedelta(days=days)
    await world.an_item(assignee_id=reader.id, due_date=due)
    assert await world.reasons(reader) == ["assigned"]
    return due


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
async def test_reminders_integration_come_once_on_the_day_before_where_the_reader_is(
    world: NotificationWorld, zone: str
) -> None:
    bo = await world.a_reader(zone=zone)
    due = await _an_item_of(bo, world, 5)
    before = due - timedelta(days=1)

    await _at(world, before - timedelta(days=1), 23, zone)
    await _at(world, before, _HOUR - 0.1, zone)
    early = await world.reasons(bo)
    await _at(world, before, _HOUR, zone)
    told = await world.reasons(bo)
    await _at(world, before, _HOUR + 1, zone)
    await _at(world, due, _HOUR, zone)
    await _at(world, due + timedelta(days=3), _HOUR, zone)

    assert (early, told) == (["assigned"], ["assigned due_soon"])
    [row] = await world.inbox(bo)
    assert row.event_count == 2, "it was told again"


async def test_reminders_integration_say_when_there_is_something_to_do(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader(zone="Pacific/Auckland")
    nothing = await _next(world)
    due = await _an_item_of(bo, world, 9)
    before = datetime(due.year, due.month, due.day, tzinfo=UTC) - timedelta(days=1)

    thought_of = await _next(world)
    await _at(world, due - timedelta(days=1), 1, "Pacific/Kiritimati")
    planned = await _next(world)
    await _at(world, due - timedelta(days=1), _HOUR, "Pacific/Auckland")

    assert (nothing, thought_of) == (None, before - timedelta(hours=14))
    wall = datetime(
        before.year, before.month, before.day, _HOUR, tzinfo=ZoneInfo("Pacific/Auckland")
    )
    assert planned == wall.astimezone(UTC)
    assert await _next(world) is None


async def test_reminders_integration_leave_out_what_nobody_need_do_any_more(
    world: NotificationWorld,
) -> None:
    bo, gone = await world.a_reader(), await world.a_reader("Gone")
    due = _today(world) + timedelta(days=3)
    for number in (1, 2, 3, 4, 5):
        reader = gone if number == 5 else bo
        await world.an_item(assignee_id=reader.id, due_date=due)
    await _at(world, due - timedelta(days=1), 0.5)
    await world.items.change("TM-1", WorkItemChanges(status="cancelled"), actor=world.actor)
    await world.items.change("TM-2", WorkItemChanges(assignee_id=None), actor=world.actor)
    later = due + timedelta(days=9)
    await world.items.change("TM-3", WorkItemChanges(due_date=later), actor=world.actor)
    del world.contacts[gone.id]

    await _at(world, due - timedelta(days=1), _HOUR)

    told = [row.item_key for row in await world.inbox(bo) if "due_soon" in row.reasons]
    assert told == ["TM-4"]
    found = await _next(world)
    assert found is not None
    assert found.date() == later - timedelta(days=2)


async def test_reminders_integration_tell_of_another_day_anew(world: NotificationWorld) -> None:
    bo = await world.a_reader()
    due = await _an_item_of(bo, world, 2)
    await _at(world, due - timedelta(days=1), _HOUR)
    later = due + timedelta(days=4)
    await world.items.change("TM-1", WorkItemChanges(due_date=later), actor=bo)

    await _at(world, later - timedelta(days=1), _HOUR)

    facts = await world.fact_types()
    assert facts.count("WorkItemDueSoon") == 2


async def test_reminders_integration_of_two_dispatchers_tell_once(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    due = await _an_item_of(bo, world, 1)

    async with anyio.create_task_group() as tasks:
        for _ in (1, 2):
            tasks.start_soon(_at, world, due - timedelta(days=1), 23.5)

    assert (await world.fact_types()).count("WorkItemDueSoon") == 1


async def test_reminders_integration_come_when_the_mark_of_a_tenant_is_due(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    due = await _an_item_of(bo, world, 3)
    reminding = _reminding(world)
    stores = world.stores
    mailing = Mailing(
        stores.tenants,
        stores.control,
        world.defaults_of,
        LIMITS,
        lambda: 0.5,
        due_besides=reminding.next_due,
    )
    sender = MailSender(
        mailing, world.letterbox, world, holder="one", public_url="", remind=reminding.remind
    )
    await mailing.arrange(world.tenant_id)

    await sender.look()
    assert (await world.fact_types()).count("WorkItemDueSoon") == 0
    for hour in (0.5, _HOUR + 0.5):
        wall = datetime(due.year, due.month, due.day, tzinfo=UTC) + timedelta(hours=hour - 24)
        world.clock.advance((from_datetime(wall) - world.clock.now()) / 1_000_000)
        await sender.look()

    assert (await world.fact_types()).count("WorkItemDueSoon") == 1

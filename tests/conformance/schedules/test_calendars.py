"""Calendars that change while schedules are planned and written, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import asyncpg
import pytest

from tests.fixtures.schedules import ScheduleWorld, at
from tests.fixtures.services import need
from tidemill.jobs.schedule_errors import ScheduleInvalid
from tidemill.jobs.scheduling.calendars.models import CalendarRule
from tidemill.jobs.scheduling.calendars.service import CalendarService
from tidemill.jobs.scheduling.occurrences.planning import plan
from tidemill.jobs.scheduling.schedules.models import Days, Schedule, Trigger

pytestmark = pytest.mark.anyio

MONDAY, FRIDAY = CalendarRule(weekdays=(1,)), CalendarRule(weekdays=(5,))
OFFICE: dict[str, Any] = {"trigger": Trigger(cron="0 9 * * *"), "days": Days(calendar="office")}


async def put(world: ScheduleWorld, rule: CalendarRule) -> None:
    calendars = CalendarService(
        world.stores.jobs, users=world.schedules.users_of, renew=world.schedules.renew
    )
    await calendars.put("office", rule, expected_version=None, actor=world.actor)


async def test_days_that_change_while_a_due_time_is_planned_count_for_the_next(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(world, MONDAY)
    schedule = await world.a_schedule(**OFFICE)
    loop, planning = asyncio.get_running_loop(), "tidemill.jobs.scheduling.firing.service.plan"

    def while_days_change(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(planning, plan)
        changed = put(world, CalendarRule(weekdays=(1, 5)))
        asyncio.run_coroutine_threadsafe(changed, loop).result(60)
        return plan(*args, **options)

    monkeypatch.setattr(planning, while_days_change)
    world.clock.advance(4 * 3600)
    await world.fire()

    assert schedule.next_at == at("2031-05-05T09:00:00")
    assert (await world.again(schedule)).next_at == at("2031-05-09T09:00:00")
    assert [one.due_at for one in await world.occurrences()] == [schedule.next_at]


@pytest.mark.parametrize("change", ["UPDATE calendars SET rule = $1", "DELETE FROM calendars"])
@pytest.mark.each_database(reason="SQLite has one writer")
async def test_a_schedule_is_written_by_the_days_that_there_are(
    world: ScheduleWorld, change: str
) -> None:
    if "sqlite" in type(world.stores.jobs).__module__:
        pytest.skip("SQLite has one writer")
    await put(world, MONDAY)
    ((schema,),) = await world.rows("SELECT current_schema()")
    other = await asyncpg.connect(need("postgres"))
    try:
        await other.execute(f'SET search_path TO "{schema}"')
        async with other.transaction():
            rule = '{"weekdays":[5]}'
            await other.execute(change, *([rule] if "$1" in change else []))
            made = asyncio.ensure_future(world.a_schedule(**OFFICE))
            await _until_somebody_waits(other, made)
        with anyio.fail_after(60):
            found: Schedule | BaseException = (await asyncio.gather(made, return_exceptions=True))[
                0
            ]
    finally:
        await other.close()

    if change.startswith("UPDATE"):
        assert isinstance(found, Schedule), found
        assert found.next_at == at("2031-05-09T09:00:00")
    else:
        assert isinstance(found, ScheduleInvalid), found


async def _until_somebody_waits(
    connection: asyncpg.Connection, made: asyncio.Future[Schedule]
) -> None:
    """Return once another transaction waits for a lock of this connection, or none needs one."""
    blocked = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with anyio.fail_after(60):
        while not made.done() and not await connection.fetch(blocked):  # noqa: ASYNC110 - it says so
            await anyio.sleep(0.005)

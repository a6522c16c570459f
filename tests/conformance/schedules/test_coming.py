"""The due time that a schedule comes to next, as people see it, on each database."""

from __future__ import annotations

import pytest

from tests.fixtures.schedules import ScheduleWorld, at
from tidemill.core.clock import Instant
from tidemill.jobs.scheduling.schedules.models import Trigger

pytestmark = pytest.mark.anyio


async def test_what_is_shown_as_next_lies_ahead_during_a_rest_and_after_it(
    world: ScheduleWorld,
) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 * * * *"))
    until = Instant(world.clock.now() + 5 * 3_600 * 1_000_000)

    async def shown() -> Instant | None:
        (one,) = await world.schedules.to_come([await world.again(schedule)], actor=world.actor)
        return one.next_at

    await world.schedules.pause(schedule.id, actor=world.actor)
    world.clock.advance(2 * 3_600 + 5)
    without_end = await shown()
    await world.schedules.pause(schedule.id, until=until, actor=world.actor)
    with_end = await shown()
    await world.schedules.resume(schedule.id, actor=world.actor)

    assert without_end == at("2031-05-05T09:00:00")
    assert with_end == at("2031-05-05T11:00:00")
    assert await shown() == at("2031-05-05T09:00:00")

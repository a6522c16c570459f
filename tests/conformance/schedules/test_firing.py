"""From due times to jobs, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.schedules import ScheduleWorld, at
from tidemill.jobs.schedules.models import Trigger

pytestmark = pytest.mark.anyio


async def test_a_due_time_starts_one_job(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="30 6 * * *"))

    await world.fire()
    before = await world.started_jobs()
    world.clock.advance(30 * 60)
    await world.fire()

    (occurrence,) = await world.occurrences()
    assert before == []
    assert occurrence.due_at == at("2031-05-05T06:30:00")
    assert (occurrence.state, [occurrence.job_id]) == ("started", await world.started_jobs())
    assert await world.next_wake() == (await world.again(schedule)).next_at
    assert (await world.again(schedule)).next_at == at("2031-05-06T06:30:00")


async def test_many_dispatchers_start_one_job(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule()
    world.clock.advance(60)

    await asyncio.gather(*(world.firing.advance(world.tenant_id, schedule.id) for _ in range(20)))

    assert len(await world.started_jobs()) == 1
    assert await world.states() == ["started"]

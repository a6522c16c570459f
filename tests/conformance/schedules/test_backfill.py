"""Ranges of the past that are filled, on both databases."""

from __future__ import annotations

import pytest

from tests.fixtures.schedules import ScheduleWorld, at, clock_times
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobState
from tidemill.jobs.schedule_errors import BackfillTooLarge, ScheduleInvalid
from tidemill.jobs.scheduling.occurrences.models import OccurrenceState
from tidemill.jobs.scheduling.occurrences.planning import Planned
from tidemill.jobs.scheduling.schedule_runs.service import Range
from tidemill.jobs.scheduling.schedules.models import Missed, Overlap, Trigger

pytestmark = pytest.mark.anyio


async def test_a_backfill_starts_what_has_not_run(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 * * * *"), missed=Missed.SKIP)
    world.clock.advance(3 * 3_600 + 1_800)
    await world.fire()
    wanted = Range(since=at("2031-05-05T04:00:00"), until=at("2031-05-05T09:00:00"))
    before = await world.states(schedule)

    shown = await world.schedule_runs.fillable(schedule.id, wanted, actor=world.actor)
    nothing = await world.started_jobs()
    filled = await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    again = await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    await world.fire()

    assert before == ["missed"] * 3
    assert shown == filled
    assert (len(filled), nothing, again) == (6, [], [])
    assert clock_times(await world.occurrences(schedule)) == [
        "04:00", "05:00", "06:00", "07:00", "08:00", "09:00",
    ]  # fmt: skip
    assert await world.states(schedule) == ["started"] + ["pending"] * 5, "one after the other"


async def test_a_backfill_knows_what_ran_between_the_runs_of_a_denser_definition(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.scheduling.schedule_runs.service.backfill_max", 2)
    schedule = await world.a_schedule(trigger=Trigger(cron="0 * * * *"))
    minutes = [Instant(at("2031-05-05T04:00:00") + 60_000_000 * n) for n in range(61)]

    def ran_each_minute(tx: Tx) -> None:
        for due in minutes:
            ran = Planned(due_at=due, through_at=due, state=OccurrenceState.SUCCEEDED)
            world.book.add(tx, schedule, ran)

    await world.stores.jobs.write(world.tenant_id, ran_each_minute)
    wanted = Range(since=minutes[0], until=minutes[-1])

    assert await world.schedule_runs.fillable(schedule.id, wanted, actor=world.actor) == []
    assert await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor) == []


async def test_a_backfill_starts_all_of_a_long_range(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(
        trigger=Trigger(cron="* * * * *"),
        missed=Missed.SKIP,
        overlap=Overlap.QUEUE_ALL,
        queue_max=2,
    )
    wanted = Range(since=at("2031-05-05T00:00:00"), until=at("2031-05-05T04:09:00"))

    filled = await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    await world.fire()

    assert len(filled) == 250
    assert await world.states(schedule) == ["started"] + ["pending"] * 249


async def test_a_long_backfill_holds_up_nothing_else(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(
        trigger=Trigger(cron="* * * * *"), missed=Missed.SKIP, overlap=Overlap.QUEUE_ALL
    )
    wanted = Range(since=at("2031-05-05T00:00:00"), until=at("2031-05-05T04:09:00"))
    await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    await world.fire()

    now = await world.schedule_runs.run_now(schedule.id, actor=world.actor)
    world.clock.advance(60)
    await world.fire()

    made = {one.due_at: one for one in await world.occurrences(schedule)}
    assert made[now.due_at].state == "started"
    assert made[at("2031-05-05T06:01:00")].reason == "a run of this schedule is under way"


async def test_a_backfill_is_bounded_and_lies_in_the_past(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="* * * * *"))
    service = world.schedule_runs

    with pytest.raises(BackfillTooLarge):
        await service.fill(
            schedule.id,
            Range(since=at("2031-05-01T00:00:00"), until=at("2031-05-05T00:00:00")),
            actor=world.actor,
        )
    with pytest.raises(ScheduleInvalid) as raised:
        await service.fill(
            schedule.id,
            Range(since=at("2031-05-05T05:00:00"), until=at("2031-05-06T00:00:00")),
            actor=world.actor,
        )
    assert raised.value.param == "until"
    with pytest.raises(ScheduleInvalid) as raised:
        await service.fill(
            schedule.id,
            Range(since=at("0001-01-01T00:00:00"), until=at("0001-01-01T00:05:00")),
            actor=world.actor,
        )
    assert raised.value.param == "since"


async def test_a_backfill_reaches_no_further_back_than_the_history(world: ScheduleWorld) -> None:
    daily = Trigger(cron="0 7 * * *")
    old = await world.a_schedule("old", trigger=daily)
    world.clock.advance(40 * 86_400)
    young = await world.a_schedule("young", trigger=daily)
    service, until = world.schedule_runs, at("2031-06-01T00:00:00")
    far = Range(since=at("2031-05-06T00:00:00"), until=until)
    near = Range(since=at("2031-05-20T00:00:00"), until=until)

    for ask in (service.fillable, service.fill):
        with pytest.raises(ScheduleInvalid, match="begin at 2031-05-15T06:00:00") as raised:
            await ask(old.id, far, actor=world.actor)
        assert raised.value.param == "since"

    assert len(await service.fill(old.id, near, actor=world.actor)) == 12
    assert len(await service.fill(young.id, far, actor=world.actor)) == 26, "none is forgotten"


@pytest.mark.parametrize("overlap", [Overlap.CANCEL_RUNNING, Overlap.SKIP, Overlap.QUEUE_ALL])
async def test_a_backfill_and_what_comes_due_leave_each_other_alone(
    world: ScheduleWorld, overlap: Overlap
) -> None:
    schedule = await world.a_schedule(
        trigger=Trigger(cron="0 * * * *"), missed=Missed.SKIP, overlap=overlap
    )
    wanted = Range(since=at("2031-05-05T04:00:00"), until=at("2031-05-05T05:00:00"))
    await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    await world.fire()
    world.clock.advance(3_600)

    await world.fire()
    filling, waiting, live = await world.occurrences(schedule)
    job = await world.jobs.get(filling.job_id or "", actor=world.actor)
    await world.end(filling)
    await world.fire()

    assert (filling.state, job.state) == ("started", JobState.QUEUED)
    assert (waiting.state, live.state) == ("pending", "started")
    assert await world.states(schedule) == ["succeeded", "started", "started"]

"""Overlap, dependencies, handlers, backfill and runs by hand, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fixtures.schedules import ScheduleWorld, at, clock_times
from tidemill.core.pages import page_request
from tidemill.jobs.contract import JobState
from tidemill.jobs.schedule_errors import BackfillTooLarge, ScheduleInvalid
from tidemill.jobs.schedule_runs.service import Range, RunService
from tidemill.jobs.schedules.models import After, Dependency, Handler, Missed, Overlap, Trigger

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("overlap", "while_running", "after_its_end"),
    [
        (Overlap.ALLOW, ["started"] * 4, ["succeeded"] * 4),
        (Overlap.SKIP, ["started"] + ["skipped"] * 3, ["succeeded"] + ["skipped"] * 3),
        (
            Overlap.QUEUE_ONE,
            ["started", "pending", "skipped", "skipped"],
            ["succeeded", "started", "skipped", "skipped"],
        ),
        (
            Overlap.QUEUE_ALL,
            ["started", "pending", "pending", "skipped"],
            ["succeeded", "started", "pending", "skipped"],
        ),
        (
            Overlap.CANCEL_RUNNING,
            ["started", "skipped", "skipped", "pending"],
            ["succeeded", "skipped", "skipped", "started"],
        ),
    ],
)
async def test_overlap_follows_the_policy(
    world: ScheduleWorld, overlap: Overlap, while_running: list[str], after_its_end: list[str]
) -> None:
    schedule = await world.a_schedule(overlap=overlap, queue_max=2)
    for _ in range(4):
        world.clock.advance(60)
        await world.fire()

    during = await world.states(schedule)
    await world.end_all(schedule)
    await world.fire()

    assert during == while_running
    assert await world.states(schedule) == after_its_end
    assert len(await world.started_jobs()) <= after_its_end.count("started") + (
        after_its_end.count("succeeded")
    )


async def test_cancel_running_cancels(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.CANCEL_RUNNING)
    world.clock.advance(60)
    await world.fire()
    (first,) = await world.occurrences()
    world.clock.advance(60)
    await world.fire()

    job = await world.jobs.get(first.job_id or "", actor=world.actor)
    assert job.state is JobState.CANCELLED
    assert (await world.occurrences(schedule))[1].reason == "the run before it is being cancelled"


async def two(world: ScheduleWorld, **dependency: Any) -> tuple[Any, Any]:
    """Return a daily schedule at seven, and one at eight that runs after it."""
    first = await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"))
    second = await world.a_schedule(
        "second",
        trigger=Trigger(cron="0 8 * * *"),
        after=(Dependency(path="first", **dependency),),
    )
    return first, second


async def test_a_dependency_is_waited_for(world: ScheduleWorld) -> None:
    first, second = await two(world)
    world.clock.advance(3_600)
    await world.fire()
    world.clock.advance(3_600)
    await world.fire()
    waiting = (await world.occurrences(second))[0]

    await world.end_all(first)
    await world.fire()

    assert (waiting.state, waiting.reason) == ("pending", "first is running")
    assert await world.states(second) == ["started"]


@pytest.mark.parametrize(
    ("on", "state", "becomes"),
    [
        (After.SUCCESS, JobState.SUCCEEDED, "started"),
        (After.SUCCESS, JobState.FAILED, "skipped"),
        (After.FINISH, JobState.FAILED, "started"),
        (After.FINISH, JobState.TIMED_OUT, "started"),
        (After.ANY, JobState.CANCELLED, "started"),
    ],
)
async def test_a_dependency_counts_by_its_rule(
    world: ScheduleWorld, on: After, state: JobState, becomes: str
) -> None:
    first, second = await two(world, on=on)
    world.clock.advance(3_600)
    await world.fire()
    await world.end_all(first, state)
    world.clock.advance(3_600)
    await world.fire()

    assert await world.states(second) == [becomes]


async def test_the_run_of_another_day_does_not_count(world: ScheduleWorld) -> None:
    """The latest run succeeded, and it was yesterday's."""
    first, second = await two(world, fresh_seconds=7 * 86_400)
    for _ in range(2):
        world.clock.advance(3_600)
        await world.fire()
        await world.end_all(first)
        await world.fire()
    await world.end_all(second)
    await world.schedules.replace(first.id, first.definition, enabled=False, actor=world.actor)
    world.clock.advance(86_400)
    await world.fire()

    yesterday, today = await world.occurrences(second)
    assert yesterday.state == "succeeded"
    assert today.state == "pending"
    assert today.reason == "first is switched off and has not run for this time"


async def test_waiting_has_an_end(world: ScheduleWorld) -> None:
    first = await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"), enabled=False)
    second = await world.a_schedule(
        "second",
        trigger=Trigger(cron="0 8 * * *"),
        after=(Dependency(path="first"),),
        wait_seconds_max=600,
    )
    world.clock.advance(2 * 3_600)
    await world.fire()
    until = await world.next_wake()
    world.clock.advance(600)
    await world.fire()

    assert until == at("2031-05-05T08:10:00")
    (skipped,) = await world.occurrences(second)
    assert skipped.reason == (
        "first is switched off and has not run for this time, and the wait for it is over"
    )
    assert await world.occurrences(first) == []


async def test_a_follower_runs_for_the_due_time_of_the_first(world: ScheduleWorld) -> None:
    first = await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"))
    second = await world.a_schedule("second", follows=True, after=(Dependency(path="first"),))
    third = await world.a_schedule("third", follows=True, after=(Dependency(path="second"),))
    world.clock.advance(3_600)
    for schedule in (first, second, third):
        await world.fire()
        assert await world.states(schedule) == ["started"], schedule.path
        await world.end_all(schedule)

    assert {one.due_at for one in await world.occurrences()} == {at("2031-05-05T07:00:00")}


async def test_a_follower_of_a_failure_is_skipped_with_its_reason(world: ScheduleWorld) -> None:
    first = await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"))
    second = await world.a_schedule("second", follows=True, after=(Dependency(path="first"),))
    world.clock.advance(3_600)
    await world.fire()
    await world.end_all(first, JobState.FAILED)
    await world.fire()

    (skipped,) = await world.occurrences(second)
    assert (skipped.state, skipped.reason) == ("skipped", "first failed")
    assert (await world.fact_types()).count("OccurrenceSkipped") == 1


async def handled(world: ScheduleWorld) -> list[dict[str, Any]]:
    """Return what handlers' jobs were given, in order."""
    rows = await world.rows("SELECT id FROM jobs ORDER BY position")
    jobs = [await world.jobs.get(row[0], actor=world.actor) for row in rows]
    return [msgspec.json.decode(job.args) for job in jobs if job.script_path == "hear"]


async def test_handlers_hear_of_failure_success_and_recovery(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(
        on_failure=Handler(script_path="hear", args={"note": "failure"}),
        on_success=Handler(script_path="hear", args={"note": "success"}),
        on_recovery=Handler(script_path="hear", args={"note": "recovery"}),
    )
    for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT, JobState.SUCCEEDED):
        world.clock.advance(60)
        await world.fire()
        await world.end_all(schedule, state)

    heard = await handled(world)
    assert [one["note"] for one in heard] == [
        "success", "failure", "failure", "success", "recovery",
    ]  # fmt: skip
    assert heard[1]["run"]["state"] == "failed"
    assert heard[1]["run"]["due_at"] == "2031-05-05T06:02:00.000000Z"
    assert [one["run"]["failures_before"] for one in heard] == [0, 0, 1, 2, 2]
    assert (await world.again(schedule)).failures == 0


async def test_an_end_that_is_told_twice_counts_once(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(on_failure=Handler(script_path="hear"))
    world.clock.advance(60)
    await world.fire()
    (occurrence,) = await world.occurrences()

    for _ in range(3):
        await world.end(occurrence, JobState.FAILED)

    assert len(await handled(world)) == 1
    assert (await world.again(schedule)).failures == 1


async def test_a_handler_that_is_gone_does_not_hold_the_end_up(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(on_failure=Handler(script_path="hear"))
    await world.scripts.archive("hear", actor=world.actor)
    world.clock.advance(60)
    await world.fire()
    await world.end_all(schedule, JobState.FAILED)

    assert await world.states(schedule) == ["failed"]


def runs_of(world: ScheduleWorld) -> RunService:
    return RunService(world.stores.jobs, world.clock, world.book)


async def test_a_backfill_starts_what_has_not_run(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 * * * *"), missed=Missed.SKIP)
    world.clock.advance(3 * 3_600 + 1_800)
    await world.fire()
    wanted = Range(since=at("2031-05-05T04:00:00"), until=at("2031-05-05T09:00:00"))
    before = await world.states(schedule)

    shown = await runs_of(world).fillable(schedule.id, wanted, actor=world.actor)
    nothing = await world.started_jobs()
    filled = await runs_of(world).fill(schedule.id, wanted, actor=world.actor)
    again = await runs_of(world).fill(schedule.id, wanted, actor=world.actor)
    await world.fire()

    assert before == ["missed"] * 3
    assert shown == filled
    assert (len(filled), nothing, again) == (6, [], [])
    assert clock_times(await world.occurrences(schedule)) == [
        "04:00", "05:00", "06:00", "07:00", "08:00", "09:00",
    ]  # fmt: skip
    assert await world.states(schedule) == ["started"] + ["pending"] * 5, "one after the other"


async def test_a_backfill_is_bounded_and_lies_in_the_past(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="* * * * *"))
    service = runs_of(world)

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


async def test_run_now_starts_whatever_else_runs(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.SKIP)
    await world.schedules.pause(schedule.id, actor=world.actor)

    for _ in range(2):
        await runs_of(world).run_now("tides/read", actor=world.actor)
        await world.fire()

    found = await runs_of(world).list(
        schedule.id, page_request(1, None, ""), state=None, actor=world.actor
    )
    assert await world.states(schedule) == ["started", "started"]
    assert len(await world.started_jobs()) == 2
    assert found.next_cursor is not None

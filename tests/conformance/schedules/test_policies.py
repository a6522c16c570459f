"""Overlap, dependencies, handlers, backfill and runs by hand, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fixtures.schedules import ScheduleWorld, at
from tidemill.core.pages import page_request
from tidemill.jobs.contract import JobState
from tidemill.jobs.schedule_errors import ScheduleCycle, ScheduleInvalid
from tidemill.jobs.scheduling.schedule_runs.service import Range
from tidemill.jobs.scheduling.schedules.models import (
    After,
    Definition,
    Dependency,
    Handler,
    Overlap,
    Trigger,
)

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
    room: dict[str, Any] = {"queue_max": 2} if overlap is Overlap.QUEUE_ALL else {}
    schedule = await world.a_schedule(overlap=overlap, **room)
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


async def test_cancel_running_lets_runs_by_hand_end(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.CANCEL_RUNNING)
    manual = await world.schedule_runs.run_now(schedule.id, actor=world.actor)
    await world.fire()
    for _ in range(2):
        world.clock.advance(60)
        await world.fire()

    by_hand, older, newer = await world.occurrences(schedule)
    job = await world.jobs.get(by_hand.job_id or "", actor=world.actor)
    assert (by_hand.id, job.state) == (manual.id, JobState.QUEUED)
    assert (older.state, older.reason) == ("skipped", "a later run took its place")
    assert (newer.state, newer.reason) == (
        "pending", "a run that was started by hand is under way",
    )  # fmt: skip
    await world.end(by_hand)
    await world.fire()
    assert await world.states(schedule) == ["succeeded", "skipped", "started"]


async def test_a_run_by_hand_takes_no_due_times_place(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.CANCEL_RUNNING)
    world.clock.advance(61)
    await world.schedule_runs.run_now(schedule.id, actor=world.actor)
    await world.fire()

    assert await world.states(schedule) == ["started", "started"]


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
    """Q28: before its dependency has run, nothing starts."""
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


async def test_changes_at_once_tie_no_cycle(world: ScheduleWorld) -> None:
    ids = [(await world.a_schedule(path)).id for path in ("a", "b")]

    def after(path: str) -> Definition:
        return Definition(
            script_path="nothing",
            trigger=Trigger(every_seconds=60),
            after=(Dependency(path=path),),
        )

    for _ in range(5):
        changes = [
            world.schedules.replace(id_, after(path), enabled=True, actor=world.actor)
            for id_, path in zip(ids, ("b", "a"), strict=True)
        ]
        done = await asyncio.gather(*changes, return_exceptions=True)
        assert [isinstance(one, ScheduleCycle) for one in done].count(True) == 1
        for id_ in ids:
            plain = Definition(script_path="nothing", trigger=Trigger(every_seconds=60))
            await world.schedules.replace(id_, plain, enabled=True, actor=world.actor)


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


async def test_a_follower_of_what_was_skipped_is_skipped_with_its_reason(
    world: ScheduleWorld,
) -> None:
    first = await world.a_schedule("first", overlap=Overlap.SKIP)
    second = await world.a_schedule("second", follows=True, after=(Dependency(path="first"),))
    third = await world.a_schedule("third", follows=True, after=(Dependency(path="second"),))
    for _ in range(2):
        world.clock.advance(60)
        for _ in range(3):
            await world.fire()

    assert await world.states(first) == ["started", "skipped"]
    for follower, reason in ((second, "first was skipped"), (third, "second was skipped")):
        (skipped,) = await world.occurrences(follower)
        assert (skipped.state, skipped.reason) == ("skipped", reason)
    assert (await world.fact_types()).count("OccurrenceSkipped") == 3


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


async def test_a_chain_is_backfilled_from_its_begin(world: ScheduleWorld) -> None:
    first, second = await two(world, on=After.SUCCESS)
    world.clock.advance(3 * 3_600)
    await world.fire()
    await world.end_all(first, JobState.FAILED)
    await world.fire()
    before = await world.states()
    world.clock.advance(5 * 86_400)
    wanted = Range(since=at("2031-05-05T00:00:00"), until=at("2031-05-05T23:00:00"), failed=True)

    for schedule in (first, second):
        await world.schedule_runs.fill(schedule.id, wanted, actor=world.actor)
    await world.firing.advance(world.tenant_id, second.id)
    waiting = (await world.occurrences(second))[0]

    assert before == ["failed", "skipped"]
    assert (waiting.state, waiting.reason) == ("pending", "first has not started yet")


async def test_a_follower_runs_when_its_first_is_filled_again(world: ScheduleWorld) -> None:
    first = await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"))
    second = await world.a_schedule("second", follows=True, after=(Dependency(path="first"),))
    third = await world.a_schedule("third", follows=True, after=(Dependency(path="second"),))
    world.clock.advance(3_600)
    await world.fire()
    await world.end_all(first, JobState.FAILED)
    await world.fire()
    skipped = await world.states(second)
    wanted = Range(since=at("2031-05-05T07:00:00"), until=at("2031-05-05T07:00:00"), failed=True)

    await world.schedule_runs.fill(first.id, wanted, actor=world.actor)
    for schedule in (first, second, third):
        await world.fire()
        assert await world.states(schedule) == ["started"], schedule.path
        await world.end_all(schedule)

    assert skipped == ["skipped"]


async def test_a_dependency_counts_no_run_beyond_the_history(world: ScheduleWorld) -> None:
    await two(world, fresh_seconds=29 * 86_400)
    with pytest.raises(ScheduleInvalid, match="30 days") as raised:
        await world.a_schedule(
            "third", after=(Dependency(path="first", fresh_seconds=30 * 86_400 + 1),)
        )
    assert raised.value.param == "after[0].fresh_seconds"


async def test_a_dependency_is_waited_for_no_longer_than_its_run_is_remembered(
    world: ScheduleWorld,
) -> None:
    await two(world)
    after = (Dependency(path="first", fresh_seconds=20 * 86_400),)

    with pytest.raises(ScheduleInvalid, match="would be forgotten during the wait") as raised:
        await world.a_schedule("third", after=after, wait_seconds_max=10 * 86_400 + 1)
    taken = await world.a_schedule("third", after=after, wait_seconds_max=10 * 86_400)

    assert raised.value.param == "wait_seconds_max"
    assert taken.definition.wait_seconds_max == 10 * 86_400


async def test_run_now_starts_whatever_else_runs(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.SKIP)
    await world.schedules.pause(schedule.id, actor=world.actor)

    for _ in range(2):
        await world.schedule_runs.run_now("tides/read", actor=world.actor)
        await world.fire()

    found = await world.schedule_runs.list(
        schedule.id, page_request(1, None, ""), state=None, actor=world.actor
    )
    assert await world.states(schedule) == ["started", "started"]
    assert len(await world.started_jobs()) == 2
    assert found.next_cursor is not None

"""From due times to jobs, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.fixtures.schedules import MORNING, NOTHING, ScheduleWorld, at, clock_times
from tests.fixtures.stores import a_tenant
from tidemill.core.clock import Instant
from tidemill.core.pages import page_request
from tidemill.jobs.code.scripts.service import Deployment
from tidemill.jobs.errors import QueueFull
from tidemill.jobs.limits.models import Limits, Unique
from tidemill.jobs.schedule_errors import ScheduleInvalid, ScheduleNotFound, TooManySchedules
from tidemill.jobs.scheduling.schedules.models import Missed, Overlap, Sought, Trigger

pytestmark = pytest.mark.anyio


@pytest.mark.each_database(reason="dispatchers race for a due time")
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
    assert (await world.again(schedule)).next_at == at("2031-05-06T06:30:00")
    assert await world.next_wake() == at("2031-05-06T06:30:00")


@pytest.mark.each_database(reason="dispatchers race for a due time")
async def test_many_dispatchers_start_one_job(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule()
    world.clock.advance(60)

    await asyncio.gather(*(world.firing.advance(world.tenant_id, schedule.id) for _ in range(20)))

    assert len(await world.started_jobs()) == 1
    assert await world.states() == ["started"]


@pytest.mark.each_database(reason="dispatchers race for a due time")
async def test_job_and_occurrence_commit_together(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_schedule()
    world.clock.advance(60)
    start = world.book.start

    def die(*args: Any) -> None:
        raise RuntimeError("the process dies before the commit")

    monkeypatch.setattr(world.book, "start", die)
    with pytest.raises(RuntimeError):
        await world.fire()
    half = (await world.states(), await world.started_jobs())
    monkeypatch.setattr(world.book, "start", start)
    await world.fire()

    assert half == (["pending"], [])
    assert await world.states() == ["started"]
    assert len(await world.started_jobs()) == 1


async def test_the_job_has_arguments_due_time_and_owner(world: ScheduleWorld) -> None:
    content = "def main(name: str, day: str):\n    pass\n"
    await world.deploy(content, "named")
    await world.a_schedule(
        script_path="named", args={"name": "tide"}, due_argument="day", priority=5, tag="slow"
    )
    world.clock.advance(60)
    await world.fire()

    (occurrence,) = await world.occurrences()
    job = await world.jobs.get(occurrence.job_id or "", actor=world.actor)
    assert msgspec.json.decode(job.args) == {"name": "tide", "day": "2031-05-05T06:01:00.000000Z"}
    assert (job.priority, job.tag, job.trigger_id) == (5, "slow", occurrence.trigger_id)
    assert world.actor.user_id is not None
    assert world.actor.user_id in job.actor


async def test_jitter_is_the_same_for_the_same_due_time(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(jitter_seconds=3_600, trigger=Trigger(cron="0 7 * * *"))
    world.clock.advance(3_600)
    await world.fire()

    (waiting,) = await world.occurrences()
    assert waiting.due_at < waiting.starts_at < waiting.due_at + 3_600 * 1_000_000
    assert (waiting.state, waiting.reason) == ("pending", "its time has not come")
    assert await world.next_wake() == waiting.starts_at
    world.clock.advance((waiting.starts_at - world.clock.now()) / 1_000_000)
    await world.fire()
    assert await world.states(schedule) == ["started"]


@pytest.mark.parametrize(
    ("missed", "states"),
    [
        (Missed.SKIP, ["missed"] * 5),
        (Missed.LAST, ["missed"] * 4 + ["started"]),
        (Missed.ALL, ["missed"] * 2 + ["started"] * 3),
    ],
)
async def test_missed_due_times_follow_the_rule(
    world: ScheduleWorld, missed: Missed, states: list[str]
) -> None:
    bound: dict[str, Any] = {"catch_up_max": 3} if missed is Missed.ALL else {}
    schedule = await world.a_schedule(
        missed=missed, overlap=Overlap.ALLOW, trigger=Trigger(cron="0 * * * *"), **bound
    )

    world.clock.advance(5 * 3_600 + 600)
    await world.fire()

    assert await world.states(schedule) == states
    facts = await world.fact_types()
    assert facts.count("OccurrenceSkipped") == states.count("missed")


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE])
async def test_all_that_was_missed_runs_one_after_the_other(
    world: ScheduleWorld, overlap: Overlap
) -> None:
    schedule = await world.a_schedule(
        missed=Missed.ALL, overlap=overlap, trigger=Trigger(every_seconds=20)
    )

    world.clock.advance(115)
    await world.fire()

    assert await world.states(schedule) == ["started"] + ["pending"] * 4
    reasons = {one.reason for one in await world.occurrences(schedule) if one.state == "pending"}
    assert reasons == {"a run of this schedule is under way"}


async def test_a_long_absence_leaves_no_due_time_unaccounted(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(missed=Missed.SKIP, trigger=Trigger(every_seconds=60))

    world.clock.advance(86_400 + 30)
    await world.fire()

    found = await world.occurrences(schedule)
    assert sum(one.dues for one in found) == 1_440
    assert len(found) == 52
    assert (found[0].kind, found[0].state) == ("gap", "missed")
    assert found[-1].state == "started"
    through = found[0].through_at
    assert found[1].due_at == through + 60 * 1_000_000


async def test_a_clock_that_goes_back_fires_nothing_twice(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.ALLOW)
    world.clock.advance(120)
    await world.fire()

    world.clock.set(MORNING - timedelta(hours=2))
    await world.fire()
    world.clock.set(MORNING + timedelta(seconds=125))
    await world.fire()

    assert clock_times(await world.occurrences(schedule)) == ["06:01", "06:02"]
    assert len(await world.started_jobs()) == 2


async def test_a_clock_that_jumps_ahead_is_an_absence(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 7-9 * * *"))

    world.clock.set(datetime(2031, 5, 5, 9, 0, 5, tzinfo=UTC))
    await world.fire()

    assert clock_times(await world.occurrences(schedule)) == ["07:00", "08:00", "09:00"]
    assert await world.states(schedule) == ["missed", "missed", "started"]


async def test_a_full_queue_delays_and_loses_nothing(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await world.a_schedule()
    full = world.jobs.enqueue_in

    def refuse(*args: Any) -> None:
        raise QueueFull(3)

    monkeypatch.setattr(world.jobs, "enqueue_in", refuse)
    world.clock.advance(60)
    await world.fire()
    (waiting,) = await world.occurrences()
    monkeypatch.setattr(world.jobs, "enqueue_in", full)
    world.clock.advance(15)
    await world.fire()

    assert waiting.state == "pending"
    assert "queued_per_tenant_max" in (waiting.reason or "")
    assert await world.states(schedule) == ["started"]


async def test_a_script_that_is_gone_skips_with_its_reason(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule()
    await world.scripts.archive("nothing", actor=world.actor)
    world.clock.advance(60)
    await world.fire()

    (skipped,) = await world.occurrences(schedule)
    assert skipped.state == "skipped"
    assert skipped.reason == "its job was refused: There is no script 'nothing'."


async def test_a_due_time_for_which_another_job_stands_is_skipped(world: ScheduleWorld) -> None:
    limits = Limits(unique=Unique())
    script = Deployment(path="alone", language="python", content=NOTHING, limits=limits)
    await world.scripts.deploy(script, actor=world.actor)
    schedule = await world.a_schedule(script_path="alone", overlap=Overlap.ALLOW)
    for _ in range(2):
        world.clock.advance(60)
        await world.fire()

    started, skipped = await world.occurrences(schedule)
    assert (started.state, skipped.state) == ("started", "skipped")
    assert skipped.reason == f"the job {started.job_id} stands for it already (unique)"


async def test_once_fires_once(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(at=MORNING + timedelta(minutes=1)))

    world.clock.advance(61)
    await world.fire()
    world.clock.advance(86_400)
    await world.fire()

    assert await world.states(schedule) == ["started"]
    assert await world.next_wake() is None


async def test_pause_skips_and_says_so(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.ALLOW)
    until = Instant(world.clock.now() + 300 * 1_000_000)
    await world.schedules.pause(schedule.id, until=until, actor=world.actor)

    await world.fire()
    rest = await world.next_wake()
    world.clock.advance(320)
    await world.fire()

    assert rest == until
    assert clock_times(await world.occurrences(schedule)) == [
        "06:01", "06:02", "06:03", "06:04", "06:05",
    ]  # fmt: skip
    assert await world.states(schedule) == ["skipped"] * 4 + ["started"]
    assert (await world.again(schedule)).paused_at is None


async def test_resume_ends_a_pause_without_end(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 * * * *"))
    await world.schedules.pause(schedule.id, actor=world.actor)
    world.clock.advance(2 * 3_600 + 5)
    await world.fire()
    resting = await world.occurrences(schedule)
    await world.schedules.resume(schedule.id, actor=world.actor)
    world.clock.advance(3_600)
    await world.fire()

    assert resting == []
    assert clock_times(await world.occurrences(schedule)) == ["07:00", "08:00", "09:00"]
    assert await world.states(schedule) == ["skipped", "skipped", "started"]


async def test_switching_off_ends_what_waits(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(jitter_seconds=3_600)
    world.clock.advance(60)
    await world.fire()
    await world.schedules.replace(
        schedule.id, schedule.definition, enabled=False, actor=world.actor
    )
    world.clock.advance(7_200)
    await world.fire()

    (skipped,) = await world.occurrences(schedule)
    assert (skipped.state, skipped.reason) == ("skipped", "the schedule was switched off")


async def test_a_long_queue_of_runs_has_its_bound(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(
        trigger=Trigger(every_seconds=1),
        overlap=Overlap.QUEUE_ALL,
        queue_max=220,
        missed=Missed.ALL,
        catch_up_max=1_000,
    )
    world.clock.advance(300)
    await world.fire()

    states = await world.states(schedule)
    assert states == ["started"] + ["pending"] * 220 + ["skipped"] * 79


async def test_deleting_ends_what_waits(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.QUEUE_ALL)
    for _ in range(3):
        world.clock.advance(60)
        await world.fire()
    before = await world.states(schedule)

    await world.schedules.delete(schedule.id, actor=world.actor)

    assert before == ["started", "pending", "pending"]
    assert [one.reason for one in await world.occurrences(schedule)] == [
        None, "the schedule was deleted", "the schedule was deleted",
    ]  # fmt: skip
    assert (await world.fact_types()).count("OccurrenceSkipped") == 2


async def test_a_change_of_the_calendar_changes_the_next_due_time(world: ScheduleWorld) -> None:
    from tidemill.jobs.scheduling.calendars.models import CalendarRule
    from tidemill.jobs.scheduling.calendars.service import CalendarService
    from tidemill.jobs.scheduling.schedules.models import Days

    calendars = CalendarService(
        world.stores.jobs, users=world.schedules.users_of, renew=world.schedules.renew
    )
    await calendars.put(
        "office", CalendarRule(weekdays=(1, 2)), expected_version=None, actor=world.actor
    )
    schedule = await world.a_schedule(
        trigger=Trigger(cron="0 9 * * *"), days=Days(calendar="office")
    )
    before = schedule.next_at

    await calendars.put(
        "office", CalendarRule(weekdays=(5,)), expected_version=1, actor=world.actor
    )

    assert before == at("2031-05-05T09:00:00")
    assert (await world.again(schedule)).next_at == at("2031-05-09T09:00:00")


async def test_a_tenant_has_a_limit_and_walls(world: ScheduleWorld) -> None:
    mine = [await world.a_schedule(f"s{number}") for number in range(20)]

    with pytest.raises(TooManySchedules):
        await world.a_schedule("s20")
    stranger = world.a_stranger(await a_tenant(world.stores))
    with pytest.raises(ScheduleNotFound):
        await world.schedules.get(mine[0].id, actor=stranger)
    assert (await world.schedules.list(page_request(None, None), actor=stranger)).items == []


async def test_lists_are_paged_by_path(world: ScheduleWorld) -> None:
    for name in ("c", "a", "b"):
        await world.a_schedule(name)

    first = await world.schedules.list(page_request(2, None), actor=world.actor)
    second = await world.schedules.list(page_request(2, first.next_cursor), actor=world.actor)
    by_script = await world.schedules.list(
        page_request(None, None), Sought(script_path="other"), actor=world.actor
    )

    assert [one.path for one in (*first.items, *second.items)] == ["a", "b", "c"]
    assert by_script.items == []


async def test_old_occurrences_are_pruned(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(trigger=Trigger(cron="0 7 5 5 *"), missed=Missed.SKIP)
    world.clock.advance(3 * 86_400)
    await world.fire()
    before = await world.states(schedule)

    world.clock.advance(40 * 86_400)
    await world.firing.prune(now=world.clock.now(), days=30)

    assert before == ["missed"]
    assert await world.occurrences(schedule) == []


async def test_a_schedule_starts_a_script_or_a_function(world: ScheduleWorld) -> None:
    with pytest.raises(ScheduleInvalid) as neither:
        await world.a_schedule(script_path=None)
    with pytest.raises(ScheduleInvalid) as both:
        await world.a_schedule(function="tides.jobs:read")
    await world.a_schedule(script_path=None, function="tides.jobs:read")
    world.clock.advance(60)
    await world.fire()

    (started,) = await world.occurrences()
    job = await world.jobs.get(started.job_id or "", actor=world.actor)
    assert (job.language, job.content) == ("function", "tides.jobs:read")
    assert (neither.value.param, both.value.param) == ("script_path", "script_path")

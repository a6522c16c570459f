"""What a job, or a due time, waits for, on both databases."""

from __future__ import annotations

import pytest

from tests.fixtures.schedules import ScheduleWorld
from tests.fixtures.stores import a_tenant
from tidemill.core.clock import Instant
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.limits.models import Concurrency, Debounce, Limits, Rate
from tidemill.jobs.queueing.workers.models import Registration
from tidemill.jobs.requirements.models import Machine, Requires
from tidemill.jobs.scheduling.reasons.service import ReasonService
from tidemill.jobs.scheduling.schedules.models import Dependency, Overlap, Trigger
from tidemill.jobs.steering.control.service import ControlService

pytestmark = pytest.mark.anyio


def reasons_of(world: ScheduleWorld) -> ReasonService:
    return ReasonService(world.stores.jobs, world.jobs, world.schedule_runs)


async def test_a_ready_job_waits_for_a_worker_and_its_turn(world: ScheduleWorld) -> None:
    jobs = [await world.a_job() for _ in range(3)]
    first = await reasons_of(world).why(jobs[0].id, actor=world.actor)
    last = await reasons_of(world).why(jobs[2].id, actor=world.actor)

    assert [reason.code for reason in first.reasons] == ["no_worker", "turn"]
    assert "it is next among the jobs with the tag default" in first.message
    assert "2 jobs are ahead of it with the tag default" in last.message


async def test_a_later_job_waits_for_its_time(world: ScheduleWorld) -> None:
    at = Instant(world.clock.now() + 3_600_000_000)
    job = await world.a_job(run_at=at)

    found = await reasons_of(world).why(job.id, actor=world.actor)

    assert [(reason.code, reason.until) for reason in found.reasons] == [("due_time", at)]
    assert found.message == "Its time has not come: it starts at 2031-05-05T07:00:00.000000Z."


async def test_a_debounced_job_waits_for_its_pause(world: ScheduleWorld) -> None:
    limits = Limits(debounce=Debounce(seconds=90, max_seconds=600))
    job = await world.a_job(limits=limits)
    first = await reasons_of(world).why(job.id, actor=world.actor)
    world.clock.advance(60)
    again = await world.a_job(limits=limits)
    extended = await reasons_of(world).why(job.id, actor=world.actor)
    later = await world.a_job(
        limits=limits,
        run_at=Instant(world.clock.now() + 3_600_000_000),
        content="def main(number: int): pass\n",
    )

    found = await reasons_of(world).why(later.id, actor=world.actor)

    assert again.id == job.id
    assert [reason.code for reason in first.reasons] == ["debounce"]
    assert first.message == (
        "It is debounced: it starts at 2031-05-05T06:01:30.000000Z unless another one of its key "
        "comes before, and then 90 s after that one, for 600 s from the first one on at most."
    )
    assert extended.reasons[0].until == Instant(world.clock.now() + 90_000_000)
    assert [reason.code for reason in found.reasons] == ["due_time"]


async def test_a_snoozed_job_says_that_it_was_put_off(world: ScheduleWorld) -> None:
    job = await world.a_job()
    control = ControlService(world.stores.jobs, world.jobs, world.signals)
    await control.snooze(job.id, seconds=600, actor=world.actor)

    found = await reasons_of(world).why(job.id, actor=world.actor)

    assert [reason.code for reason in found.reasons] == ["snooze"]
    assert found.message == "It was put off (snoozed): it starts at 2031-05-05T06:10:00.000000Z."


async def test_a_job_held_by_its_limits_names_them(world: ScheduleWorld) -> None:
    one = Limits(concurrency=Concurrency(limit=1, key="berth"))
    slow = Limits(rate=Rate(limit=1, period_seconds=60, key="lock"))
    jobs = [await world.a_job(limits=limits) for limits in (one, one, slow, slow)]

    berth, lock = [await reasons_of(world).why(jobs[n].id, actor=world.actor) for n in (1, 3)]

    assert [reason.code for reason in (*berth.reasons, *lock.reasons)] == ["concurrency", "rate"]
    assert f"all 1 are taken, first by {jobs[0].id}" in berth.message
    assert "the next may start at 2031-05-05T06:01:00.000000Z" in lock.message


async def test_a_job_that_asks_for_more_than_any_worker_has_says_what(
    world: ScheduleWorld,
) -> None:
    lone = Registration(
        id="lone", host="h", slots=1, tags=("default",), isolations=("sandbox",),
        machine=Machine(labels=frozenset({"crane"})),
    )  # fmt: skip
    await world.dispatching.register(lone, {})
    fits = await world.a_job(requires=Requires(labels=("crane",)))
    job = await world.a_job(requires=Requires(labels=("dredger",)))

    told = await reasons_of(world).why(fits.id, actor=world.actor)
    found = await reasons_of(world).why(job.id, actor=world.actor)

    assert [reason.code for reason in told.reasons] == ["turn"]
    assert "it needs a worker with the label crane free" in told.message
    assert [reason.code for reason in found.reasons] == ["no_worker", "turn"]
    assert "worker with the tag 'default' has the label dredger" in found.message


async def test_a_cancelled_job_says_who(world: ScheduleWorld) -> None:
    job = await world.a_job()
    await world.jobs.cancel_job(job.id, actor=world.actor)

    found = await reasons_of(world).why(job.id, actor=world.actor)

    assert found.message == f"It was cancelled by {world.actor.user_id}."
    assert found.reasons == ()


async def test_a_due_time_says_what_it_waits_for(world: ScheduleWorld) -> None:
    await world.a_schedule("first", trigger=Trigger(cron="0 7 * * *"))
    second = await world.a_schedule(
        "second", trigger=Trigger(cron="0 7 * * *"), after=(Dependency(path="first"),)
    )
    world.clock.advance(3_600)
    # Due at the same instant, either may be looked at before the other.
    await world.firing.advance(world.tenant_id, second.id)
    (waiting,) = await world.occurrences(second)
    early = await reasons_of(world).why(waiting.id, actor=world.actor)
    await world.fire()

    found = await reasons_of(world).why(waiting.id, actor=world.actor)

    assert early.message == "First has not come due for this time."
    assert (found.state, found.schedule_path, found.message) == (
        "pending", "second", "First is running.",
    )  # fmt: skip
    stranger = world.a_stranger(await a_tenant(world.stores))
    with pytest.raises(JobNotFound):
        await reasons_of(world).why(waiting.id, actor=stranger)


async def test_a_schedules_job_names_its_schedule(world: ScheduleWorld) -> None:
    schedule = await world.a_schedule(overlap=Overlap.ALLOW)
    world.clock.advance(60)
    await world.fire()
    (started,) = await world.occurrences(schedule)

    found = await reasons_of(world).why(started.job_id or "", actor=world.actor)

    assert found.schedule_path == "tides/read"
    assert found.state == "queued"

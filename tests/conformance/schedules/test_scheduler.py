"""What the leader does with schedules that cannot be advanced, on both databases."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.fixtures.schedules import ScheduleWorld
from tidemill.core.actor import ActorKind
from tidemill.core.facts import FactActor, RecordedFact
from tidemill.core.ids import TenantId
from tidemill.jobs.errors import QueueFull
from tidemill.jobs.queueing.queue.models import Job, ending_fact
from tidemill.jobs.scheduling.firing.scheduler import Scheduler
from tidemill.jobs.scheduling.firing.service import pruned_max
from tidemill.jobs.scheduling.schedules.models import Handler

pytestmark = pytest.mark.anyio


async def test_failing_schedules_do_not_hold_up_the_others(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.scheduling.firing.service.awake_max", 2)
    broken = {(await world.a_schedule(f"broken/{number}")).id for number in range(3)}
    sound = await world.a_schedule("sound")
    advance, tried = world.firing.advance, []

    async def advance_if_sound(tenant_id: TenantId, schedule_id: str) -> None:
        tried.append(schedule_id)
        if schedule_id in broken:
            raise RuntimeError("it cannot be read")
        await advance(tenant_id, schedule_id)

    monkeypatch.setattr(world.firing, "advance", advance_if_sound)
    scheduler = Scheduler(
        world.firing, world.settling, world.wakes, world.clock, leads=lambda: True, history_days=1
    )
    world.clock.advance(60)
    for _ in range(4):
        await scheduler._fire()

    assert await world.states(sound) == ["started"]
    assert len(tried) == 4, "each was tried once, and the failing ones rest"


async def test_what_is_old_goes_faster_than_many_schedules_make_it(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned = 0

    async def prune(**given: object) -> bool:
        nonlocal pruned
        pruned += pruned_max
        return False

    monkeypatch.setattr(world.firing, "prune", prune)
    scheduler = Scheduler(
        world.firing, world.settling, world.wakes, world.clock, leads=lambda: True, history_days=1
    )
    for _ in range(60):
        await scheduler._keep_up()
        world.clock.advance(1)

    assert pruned >= 500 * 60


async def test_schedules_fire_while_the_sweep_is_under_way(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await world.a_schedule()
    advance, fired, sweeping = world.firing.advance, asyncio.Event(), asyncio.Event()

    async def sweep() -> None:
        sweeping.set()
        await asyncio.Event().wait()

    async def advance_and_tell(tenant_id: TenantId, schedule_id: str) -> None:
        await advance(tenant_id, schedule_id)
        fired.set()

    monkeypatch.setattr(world.settling, "sweep", sweep)
    monkeypatch.setattr(world.firing, "advance", advance_and_tell)
    monkeypatch.setattr("tidemill.jobs.scheduling.firing.scheduler.stop_seconds_max", 0.1)
    scheduler = Scheduler(
        world.firing, world.settling, world.wakes, world.clock, leads=lambda: True, history_days=1
    )
    await scheduler.start()
    try:
        async with asyncio.timeout(60):
            await sweeping.wait()
            world.clock.advance(60)
            world.wakes.wake()
            await fired.wait()
    finally:
        await scheduler.stop()

    assert await world.states(schedule) == ["started"]


async def test_a_run_whose_handler_finds_the_queue_full_is_settled_later(
    world: ScheduleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await world.a_schedule(on_failure=Handler(script_path="hear"))
    world.clock.advance(60)
    await world.fire()
    (run,) = await world.occurrences()
    job = await world.jobs.cancel_job(run.job_id or "", actor=world.actor)
    fact = _ending_of(job)

    with monkeypatch.context() as patch:
        patch.setattr(world.jobs, "enqueue_in", _refuse)
        await world.settling.react(fact)
        full = await world.states(schedule)
    await world.settling.react(fact)

    assert (full, await world.states(schedule)) == (["started"], ["failed"])


def _refuse(*args: object) -> None:
    raise QueueFull(3)


def _ending_of(job: Job) -> RecordedFact:
    ended = ending_fact(job)
    assert ended is not None
    return RecordedFact(
        id="fact",
        tenant_id=job.tenant_id,
        seq=1,
        feature="jobs",
        type="JobFinished",
        subject=job.id,
        at=job.created_at,
        actor=FactActor(kind=ActorKind.JOB, id=job.id),
        topics=(),
        data=msgspec.Raw(msgspec.json.encode(ended)),
    )

"""Who has a slot of a key and who is next, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tests.fixtures.turns import Turns, limited, one_at_a_time
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.limits.models import (
    Concurrency,
    Limits,
    Rate,
    Strategy,
    Unique,
)
from tidemill.jobs.steering.control.service import ControlService

pytestmark = pytest.mark.anyio


async def test_jobs_of_a_key_run_one_after_the_other_in_order(
    world: JobsWorld, turns: Turns
) -> None:
    jobs = [await limited(world, concurrency=one_at_a_time()) for _ in range(3)]
    order = []
    for _ in jobs:
        taken = await turns.take()
        order += taken
        await turns.end(taken[0])

    assert order == [job.id for job in jobs]
    assert [job.state for job in jobs] == [JobState.QUEUED, JobState.WAITING, JobState.WAITING]
    assert await turns.take() == []


async def test_keys_count_apart_and_arguments_make_them(world: JobsWorld, turns: Turns) -> None:
    rule = Concurrency(limit=1, key="port-{args.number}")
    first = await limited(world, 1, concurrency=rule)
    await limited(world, 1, concurrency=rule)
    other = await limited(world, 2, concurrency=rule)

    assert await turns.take() == [first.id, other.id]


async def test_keys_of_tenants_count_apart(world: JobsWorld, turns: Turns) -> None:
    mine = await limited(world, concurrency=one_at_a_time())
    stranger = world.an_actor(await a_tenant(world.stores))
    theirs = await limited(world, concurrency=one_at_a_time(), actor=stranger)

    assert set(await turns.take()) == {mine.id, theirs.id}


@pytest.mark.parametrize("verdict", [JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT])
async def test_any_end_hands_the_slot_on(world: JobsWorld, turns: Turns, verdict: JobState) -> None:
    first, second = [await limited(world, concurrency=one_at_a_time()) for _ in range(2)]
    await turns.take()
    await turns.end(first.id, verdict)

    assert await turns.take() == [second.id]


async def test_a_job_that_waits_for_its_next_attempt_has_no_slot(
    world: JobsWorld, turns: Turns
) -> None:
    first = await limited(world, concurrency=one_at_a_time(), attempts_max=2)
    second = await limited(world, concurrency=one_at_a_time())
    await turns.take()
    await turns.end(first.id, JobState.FAILED)
    assert await turns.take() == [second.id]

    world.clock.advance(1)
    assert await turns.take() == []
    assert (await world.job(first)).state is JobState.WAITING
    await turns.end(second.id)

    assert await turns.take() == [first.id]


async def test_a_rescued_job_keeps_its_slot(world: JobsWorld, turns: Turns) -> None:
    first = await limited(world, concurrency=one_at_a_time())
    await limited(world, concurrency=one_at_a_time())
    await turns.take()
    await world.dispatching.rescue("worker-1")

    assert await turns.take() == [first.id]


async def test_a_cancelled_job_hands_its_slot_on(world: JobsWorld, turns: Turns) -> None:
    first, second = [await limited(world, concurrency=one_at_a_time()) for _ in range(2)]
    await world.jobs.cancel_job(first.id, actor=world.actor)

    assert await turns.take() == [second.id]


async def test_a_snoozed_job_hands_its_slot_on_and_stands_in_line_again(
    world: JobsWorld, turns: Turns
) -> None:
    control = ControlService(world.stores.jobs, world.jobs, world.signals)
    first, second, third = [await limited(world, concurrency=one_at_a_time()) for _ in range(3)]
    await control.snooze(first.id, seconds=60, actor=world.actor)
    await control.snooze(third.id, seconds=30, actor=world.actor)
    assert await turns.take() == [second.id]
    await turns.end(second.id)
    world.clock.advance(61)

    assert await turns.take() == [third.id]
    await turns.end(third.id)
    assert await turns.take() == [first.id]


async def test_more_slots_take_effect_with_the_next_job(world: JobsWorld, turns: Turns) -> None:
    jobs = [await limited(world, concurrency=one_at_a_time()) for _ in range(3)]
    wider = Concurrency(limit=3, key="harbour")
    jobs.append(await limited(world, concurrency=wider))

    assert await turns.take() == [job.id for job in jobs[:3]]


async def test_cancel_newest_ends_the_job_that_finds_no_slot(
    world: JobsWorld, turns: Turns
) -> None:
    first = await limited(world, concurrency=one_at_a_time(Strategy.CANCEL_NEWEST))
    second = await limited(world, concurrency=one_at_a_time(Strategy.CANCEL_NEWEST))

    assert second.state is JobState.CANCELLED
    assert "CONCURRENCY_LIMIT" in (second.error or "")
    assert await turns.take() == [first.id]


async def test_a_line_has_as_many_places_as_its_limit_says(world: JobsWorld, turns: Turns) -> None:
    rule = Concurrency(limit=1, key="harbour", waiting_max=1)
    jobs = [await limited(world, concurrency=rule) for _ in range(3)]
    assert [job.state for job in jobs] == [
        JobState.QUEUED, JobState.WAITING, JobState.CANCELLED,
    ]  # fmt: skip
    assert "1 wait in line" in (jobs[2].error or "")
    await turns.take()
    await turns.end(jobs[0].id)

    assert (await limited(world, concurrency=rule)).state is JobState.WAITING


async def test_cancel_running_lets_the_newest_run(world: JobsWorld, turns: Turns) -> None:
    rule = one_at_a_time(Strategy.CANCEL_RUNNING)
    running = await limited(world, concurrency=rule)
    await turns.take()
    waiting = await limited(world, concurrency=rule)
    newest = await limited(world, concurrency=rule)

    assert (await world.job(waiting)).state is JobState.CANCELLED
    assert (await world.job(running)).cancel_requested_at is not None
    assert await turns.take() == []
    await turns.end(running.id, JobState.CANCELLED)
    assert await turns.take() == [newest.id]


async def test_a_scheduled_job_asks_its_limits_when_its_time_has_come(
    world: JobsWorld, turns: Turns
) -> None:
    later = world.clock.now() + 60_000_000
    scheduled = await limited(world, concurrency=one_at_a_time(), run_at=later)
    first = await limited(world, concurrency=one_at_a_time())
    assert await turns.take() == [first.id]

    world.clock.advance(61)
    assert await turns.take() == []
    await turns.end(first.id)

    assert await turns.take() == [scheduled.id]


async def test_a_job_says_what_it_waits_for(world: JobsWorld, turns: Turns) -> None:
    holder = await limited(world, concurrency=one_at_a_time())
    await limited(world, concurrency=one_at_a_time())
    third = await limited(world, concurrency=one_at_a_time())

    told = await world.jobs.waiting_for(await world.job(third))

    assert told is not None
    assert f"key harbour: all 1 are taken, first by {holder.id}. 1 in line" in told


async def test_plain_jobs_pass_by_those_that_wait(world: JobsWorld, turns: Turns) -> None:
    first = await limited(world, concurrency=one_at_a_time())
    await limited(world, concurrency=one_at_a_time())
    plain = await world.a_job()

    assert await turns.take() == [first.id, plain.id]


async def test_the_next_in_line_starts_without_a_poll(world: JobsWorld) -> None:
    before, rule = world.options, one_at_a_time()
    world.options = structs.replace(before, tick_seconds=60, look_seconds=60)
    try:
        async with world.dispatching_now(), world.a_worker() as worker:
            first, second = [await limited(world, concurrency=rule) for _ in range(2)]
            await worker.end(await worker.assignment(first))

            assert (await worker.assignment(second)).job_id == second.id
    finally:
        world.options = before


async def test_processes_that_enqueue_at_once_share_the_limits_of_a_key(
    world: JobsWorld, turns: Turns
) -> None:
    # Each has connections and commits of its own, as processes have.
    request = JobRequest(
        language="python",
        content="def main(): pass",
        limits=Limits(concurrency=Concurrency(limit=3, key="harbour")),
    )
    once = structs.replace(request, limits=Limits(unique=Unique(), rate=Rate(limit=1)))
    services = [world.jobs]
    for _ in range(3):
        world.build()
        services.append(world.jobs)
    jobs = await asyncio.gather(
        *(
            service.create(one, actor=world.actor)
            for service in services
            for one in (request, once, request)
            for _ in range(3)
        )
    )
    assert len({job.id for job in jobs}) == 4 * 6 + 1
    taken = await turns.take()
    assert len(taken) == 3 + 1
    await asyncio.gather(*(turns.end(id_) for id_ in taken))

    assert len(await turns.take()) == 3


async def test_ends_and_newest_jobs_at_once_leave_one_running(
    world: JobsWorld, turns: Turns
) -> None:
    rule = one_at_a_time(Strategy.CANCEL_RUNNING)
    for _ in range(5):
        first = await limited(world, concurrency=rule)
        await turns.take()
        await asyncio.gather(
            *(limited(world, concurrency=rule) for _ in range(3)), turns.end(first.id)
        )

        (last,) = await turns.take()
        await turns.end(last)
    assert await world.rows("SELECT id FROM jobs") == []

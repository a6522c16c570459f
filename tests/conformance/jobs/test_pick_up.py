"""Whoever enqueues wakes the dispatcher, however commits and turns fall together."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld, SpokenWorker
from tidemill.jobs.contract import JobState
from tidemill.jobs.queueing.queue.models import Job

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="each database has a statement of its own"),
]

never_seconds = 3_600.0


def _woken_only(world: JobsWorld) -> None:
    """Let the dispatcher look when it is told to, and never by itself."""
    world.options = structs.replace(
        world.options, tick_seconds=never_seconds, look_seconds=never_seconds
    )


async def _through(world: JobsWorld, worker: SpokenWorker, jobs: list[Job]) -> None:
    for job in jobs:
        await worker.end(await worker.assignment(job))
        await world.until_state(job, JobState.SUCCEEDED)


async def test_enqueue_one_after_the_other_is_never_overlooked(world: JobsWorld) -> None:
    _woken_only(world)
    async with world.dispatching_now(), world.a_worker() as worker:
        for _ in range(10):
            await _through(world, worker, [await world.a_job()])


async def test_enqueue_at_once_with_turns_that_run_is_never_overlooked(world: JobsWorld) -> None:
    _woken_only(world)
    async with world.dispatching_now(), world.a_worker(slots=3) as worker:

        async def caller(number: int) -> None:
            for turn in range(3):
                await anyio.sleep(0.001 * ((number + turn) % 3))
                job = await world.a_job(args={"number": number})
                await worker.end(await worker.assignment(job))

        await asyncio.gather(*(caller(number) for number in range(8)))

    assert await world.rows("SELECT id FROM jobs WHERE tenant_id = :tenant_id") == []


async def test_enqueue_before_there_is_a_free_slot_waits_for_one(world: JobsWorld) -> None:
    _woken_only(world)
    async with world.dispatching_now(), world.a_worker(slots=1) as worker:
        jobs = [await world.a_job() for _ in range(3)]

        await _through(world, worker, jobs)


async def test_enqueue_for_later_is_begun_when_it_is_due(world: JobsWorld) -> None:
    _woken_only(world)
    async with world.dispatching_now(), world.a_worker() as worker:
        await _through(world, worker, [await world.a_job()])
        later = await world.a_job(run_at=world.clock.now() + 50_000)

        await _through(world, worker, [later])

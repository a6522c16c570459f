"""Jobs that wait for too long, and results that are kept for a while, on both databases."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.turns import Turns, limited, one_at_a_time
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limit_errors import LimitKeyUnclear
from tidemill.jobs.limits.models import (
    Concurrency,
    Debounce,
)

pytestmark = pytest.mark.anyio


async def test_a_job_whose_time_to_live_is_over_is_never_claimed(
    world: JobsWorld, turns: Turns
) -> None:
    job = await limited(world, ttl_seconds=30)
    world.clock.advance(31)

    assert await turns.take() == []
    ended = await world.job(job)
    assert ended.state is JobState.TIMED_OUT
    assert "JOB_EXPIRED" in (ended.error or "")
    assert await world.fact_types() == ["JobFinished"]


async def test_a_job_that_is_due_after_its_time_to_live_is_refused(world: JobsWorld) -> None:
    now = world.clock.now()
    with pytest.raises(InvalidJobField, match=r"less than 30 s after its enqueue") as late:
        await limited(world, ttl_seconds=30, run_at=Instant(now + 3600 * MICROSECONDS_PER_SECOND))
    with pytest.raises(InvalidJobField) as paused:
        await limited(world, debounce=Debounce(seconds=30), ttl_seconds=30)
    soon = await limited(world, ttl_seconds=60, run_at=Instant(now + MICROSECONDS_PER_SECOND))

    assert late.value.param == "run_at"
    assert paused.value.param == "limits.debounce.seconds"
    assert soon.state is JobState.SCHEDULED


async def test_a_job_that_waits_for_a_slot_expires_too(world: JobsWorld, turns: Turns) -> None:
    holder = await limited(world, concurrency=one_at_a_time())
    late = await limited(world, concurrency=one_at_a_time(), queue_timeout_seconds=10)
    await turns.take()
    world.clock.advance(11)
    await turns.take()

    assert (await world.job(late)).state is JobState.TIMED_OUT
    assert (await world.job(holder)).state is JobState.LEASED


async def test_the_wait_for_a_worker_is_counted_anew_for_each_attempt(
    world: JobsWorld, turns: Turns
) -> None:
    job = await limited(world, queue_timeout_seconds=10, attempts_max=2)
    await turns.take()
    world.clock.advance(60)
    await turns.end(job.id, JobState.FAILED)
    world.clock.advance(1)

    assert await turns.take() == [job.id]


async def test_a_result_is_dropped_after_its_time_and_the_job_stays(
    world: JobsWorld, turns: Turns
) -> None:
    job = await limited(world, result_ttl_seconds=60)
    await turns.take()
    await turns.end(job.id, result="42")
    assert (await world.job(job)).result == "42"
    world.clock.advance(61)
    gone = await world.job(job)
    assert (gone.result, gone.result_expired) == (None, True)

    await world.dispatching.releasing.tidy(before=world.clock.now())

    assert await world.rows("SELECT result FROM job_history") == [(None,)]
    assert (await world.job(job)).state is JobState.SUCCEEDED


async def test_a_key_that_needs_a_missing_argument_is_refused(world: JobsWorld) -> None:
    with pytest.raises(LimitKeyUnclear, match="no customer"):
        await limited(world, concurrency=Concurrency(key="c-{args.customer}"))


async def test_a_job_is_given_up_at_its_time_without_a_poll(world: JobsWorld) -> None:
    before = world.options
    world.options = structs.replace(before, tick_seconds=60, look_seconds=60)
    try:
        async with world.dispatching_now():
            job = await limited(world, ttl_seconds=0.2)

            await world.until_state(job, JobState.TIMED_OUT)
    finally:
        world.options = before

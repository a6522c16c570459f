"""What a worker says of the start of an attempt: refused where it is wrong, counted once."""

from __future__ import annotations

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.core.figures import Spread
from tidemill.jobs.contract import JobState
from tidemill.jobs.protocol.messages import Held, Verdict

pytestmark = pytest.mark.anyio

# More than any column takes, and what the wire carries all the same.
NO_INSTANT = (1 << 64) - 1


@pytest.mark.parametrize("work_item_id", [None, "item"])
@pytest.mark.each_database(reason="each database refuses values of its own")
async def test_a_start_that_no_column_takes_stops_no_other_job(
    world: JobsWorld, work_item_id: str | None
) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        wrong = await world.a_job(work_item_id=work_item_id)
        other = await world.a_job()
        said, rightly = [await worker.assignment(job) for job in (wrong, other)]
        await worker.start(said, started_at=NO_INSTANT)
        await worker.start(rightly)
        await world.until_state(other, JobState.RUNNING)
        await worker.end(rightly)
        await worker.end(said)

        ended = [await world.job(job) for job in (wrong, other)]

    assert {(job.state, job.attempts) for job in ended} == {(JobState.SUCCEEDED, 1)}


async def test_each_attempt_counts_once_how_long_it_waited(world: JobsWorld) -> None:
    async with world.dispatching_now():
        async with world.a_worker() as worker:
            short, long, given_back = [await world.a_job() for _ in range(3)]
            quick, slow, lost = [await worker.assignment(job) for job in (short, long, given_back)]
            # Of what ends at once a worker does not say that it has begun.
            await worker.end(quick)
            await worker.start(slow)
            await world.until_state(long, JobState.RUNNING)
            await worker.end(lost, Verdict.LOST)
        async with world.a_worker(holding=(Held(slow.job_id, slow.epoch),)) as worker:
            await worker.end(slow)

    figures = {one.name: one for one in world.signals.breakdown.figures(lambda: 0)}
    (waited,) = figures["tidemill_job_wait_seconds"].read()
    assert isinstance(waited, Spread)
    assert sum(waited.counts) == 2

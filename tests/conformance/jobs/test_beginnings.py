"""A start that a worker tells wrongly: it is refused, and everybody else's jobs go on."""

from __future__ import annotations

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.jobs.contract import JobState

pytestmark = pytest.mark.anyio

# More than any column takes, and what the wire carries all the same.
NO_INSTANT = (1 << 64) - 1


@pytest.mark.parametrize("work_item_id", [None, "item"])
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

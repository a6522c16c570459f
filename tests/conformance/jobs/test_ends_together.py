"""Attempts of several jobs that end in one turn of the dispatcher, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ended, Ring
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.queueing.many import many_max
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Ending, Job

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="each database has a statement of its own"),
]
_LIVE = "SELECT COUNT(*) FROM jobs WHERE tenant_id = :tenant_id"
_HISTORY = "SELECT COUNT(*) FROM job_history WHERE tenant_id = :tenant_id"


async def claimed(world: JobsWorld, number: int) -> list[Claimed]:
    """Enqueue jobs, and claim them as a worker's."""
    for _ in range(number):
        await world.a_job()
    demand = Demand(
        worker_id="worker-1",
        generation=1,
        slots=number,
        tags=("default",),
        isolations=(Isolation.SANDBOX,),
    )
    turn = await world.dispatching.turn([], [demand], Ring(), leads=False)
    return list(turn.claimed["worker-1"])


async def end(world: JobsWorld, ended: Sequence[Ended]) -> list[Job | Ended]:
    """Record ends in one turn; return those that count."""
    return list((await world.dispatching.turn(ended, [], Ring(), leads=False)).ended)


def an_end(job: Claimed, number: int, *, epoch: int = 1, result: str | None = None) -> Ended:
    ending = Ending(
        verdict=JobState.SUCCEEDED,
        started_at=Instant(1_000 + number),
        finished_at=Instant(2_000 + number),
        result=f'"{number} é \\u0000"' if result is None else result,
        peak_memory_bytes=number // 3,
        cpu_microseconds=number // 2,
    )
    return Ended(job.tenant_id, job.id, epoch, ending, job.position)


async def test_each_job_keeps_what_was_said_of_it(world: JobsWorld) -> None:
    jobs = await claimed(world, 7)
    large = f'"{"x" * 200_000}"'
    ends = [an_end(job, number) for number, job in enumerate(jobs[:-1])]
    ends.append(an_end(jobs[-1], 6, result=large))

    done = await end(world, ends)

    found = [await world.jobs.get(job.id, actor=world.an_actor()) for job in jobs]
    assert len(done) == len(jobs)
    assert [(job.started_at, job.finished_at, job.result) for job in found] == [
        (one.ending.started_at, one.ending.finished_at, one.ending.result) for one in ends
    ]
    assert [(job.peak_memory_bytes, job.cpu_microseconds) for job in found] == [
        (number // 3, number // 2) for number in range(7)
    ]


async def test_one_under_another_epoch_changes_nothing_and_keeps_nobody_back(
    world: JobsWorld,
) -> None:
    first, late, last = await claimed(world, 3)

    done = await end(world, [an_end(first, 1), an_end(late, 1, epoch=2), an_end(last, 1)])

    states = [
        (await world.jobs.get(job.id, actor=world.an_actor())).state for job in (first, late, last)
    ]
    assert [one.id for one in done] == [first.id, last.id]
    assert states == [JobState.SUCCEEDED, JobState.LEASED, JobState.SUCCEEDED]


async def test_one_that_is_told_twice_is_kept_once(world: JobsWorld) -> None:
    first, other = await claimed(world, 2)

    await end(world, [an_end(first, 1), an_end(other, 1), an_end(first, 2)])

    assert (await world.rows(_HISTORY))[0][0] == 2


async def test_more_than_one_statement_can_name_all_end(world: JobsWorld) -> None:
    jobs = await claimed(world, many_max + 3)

    done = await end(world, [an_end(job, 0) for job in jobs])

    assert len(done) == len(jobs)
    assert (await world.rows(_HISTORY))[0][0] == len(jobs)
    assert (await world.rows(_LIVE))[0][0] == 0


async def test_jobs_end_wherever_they_are_said_to_lie(world: JobsWorld) -> None:
    known, unknown = await claimed(world, 2)
    unplaced = structs.replace(unknown, position=0)

    done = await end(world, [an_end(known, 1), an_end(unplaced, 1)])

    assert {one.id for one in done} == {known.id, unknown.id}
    assert (await world.rows(_LIVE))[0][0] == 0


async def test_only_a_job_that_lies_where_it_is_said_to_lie_ends(world: JobsWorld) -> None:
    job, other = await claimed(world, 2)
    astray = structs.replace(job, position=other.position)

    done = await end(world, [an_end(astray, 1)])

    # PostgreSQL has no places, and ends it by its name.
    ended = 0 if job.position else 1
    assert len(done) == ended
    assert (await world.rows(_HISTORY))[0][0] == ended
    assert (await world.rows(_LIVE))[0][0] == 2 - ended


async def test_jobs_of_several_lanes_are_claimed_while_others_end(world: JobsWorld) -> None:
    first = await claimed(world, 3)
    for tag in ("default", "other", "default", "other"):
        await world.a_job(tag=tag)
    demand = Demand(
        worker_id="worker-1",
        generation=1,
        slots=10,
        tags=("default", "other"),
        isolations=(Isolation.SANDBOX,),
    )

    ended = [an_end(job, 1) for job in first]
    turn = await world.dispatching.turn(ended, [demand], Ring(), leads=False)
    taken = list(turn.claimed["worker-1"])
    if turn.again:
        assert not taken
        later = await world.dispatching.turn([], [demand], turn.ring, leads=False)
        taken += later.claimed["worker-1"]

    assert len(turn.ended) == len(first)
    assert sorted(job.spec.tag for job in taken) == ["default", "default", "other", "other"]


async def test_next_jobs_of_the_only_lane_are_claimed_while_others_end(world: JobsWorld) -> None:
    first = await claimed(world, 3)
    late = an_end(first[2], 1, epoch=7)
    for _ in range(2):
        await world.a_job()
    demand = Demand(
        worker_id="worker-1",
        generation=1,
        slots=10,
        tags=("default",),
        isolations=(Isolation.SANDBOX,),
    )

    ended = [an_end(first[0], 1), an_end(first[1], 2), late]
    turn = await world.dispatching.turn(ended, [demand], Ring(), leads=False)

    assert [one.id for one in turn.ended] == [first[0].id, first[1].id]
    assert [job.epoch for job in turn.claimed["worker-1"]] == [1, 1]
    assert (await world.rows(_HISTORY))[0][0] == 2

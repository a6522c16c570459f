"""A broker that loses, repeats and mixes up what it carries, under real worker processes.

Each job leaves a line in a file outside of every store whenever it runs. Pass: each ends exactly
once in the books, and each run beyond the first is one that the books know of.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from tests.fixtures.jobs import JobsWorld, make_jobs
from tests.fixtures.queues import PATIENT, QUICK, BrokerKind, BrokerPlace, broker_place
from tests.integration.jobs.brokers.unruly import Unruly
from tests.integration.jobs.brokers.worker_process import Order
from tidemill.core.queues import Queues
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.dispatching.brokers.conversation import Pace
from tidemill.jobs.dispatching.brokers.doors import broker_door, everybody
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher
from tidemill.jobs.queueing.queue.models import Job

pytestmark = pytest.mark.anyio

JOBS = 300
FUNCTION = "tests.integration.jobs.brokers.effects:leave"
FEW_JOBS = 100
seconds_max = 60.0
ending_seconds_max = 60.0

BROKERS = [
    pytest.param("amqp", FEW_JOBS, id="amqp"),
    *(
        pytest.param(
            kind,
            JOBS,
            id=f"{kind}-many",
            marks=pytest.mark.full(reason="the same with more jobs, by both brokers"),
        )
        for kind in ("amqp", "nats")
    ),
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JobsWorld]:
    async with make_jobs("sqlite", tmp_path) as made:
        yield made


@pytest.mark.full(reason="seconds of work; a lost packet and a deleted queue are in each run")
@pytest.mark.parametrize("kind", ["amqp", "nats"])
async def test_a_broker_that_loses_what_it_holds_loses_no_job(
    world: JobsWorld, kind: BrokerKind, tmp_path: Path
) -> None:
    async with (
        broker_place(kind) as place,
        _dispatching(world, place.queues(), place),
        _workers(place, tmp_path, 2) as queues,
    ):
        jobs = await _enqueue(world, tmp_path, count=JOBS, seconds=0.05)
        lost = rounds = 0
        while (done := await _done(world)) < JOBS:
            lost += await place.purge(*queues)
            rounds += 1
            if rounds in {4, 12, 20}:
                await place.delete(queues[rounds // 8 % 2])
            if rounds in {8, 16}:
                await place.delete(place.direct.status_queue)
            with anyio.fail_after(seconds_max):
                await asyncio.sleep(0.05)
        ended, runs = await _check(world, jobs, tmp_path)

    given = sum(job.attempts for job in ended)
    sys.stdout.write(
        f"{kind}: {rounds} purges and 5 deletions of queues took {lost} packets and more; "
        f"{done} jobs were given out {given} times and ran {sum(runs.values())} times\n"
    )


@pytest.mark.parametrize(("kind", "count"), BROKERS)
async def test_packets_that_come_twice_and_out_of_order_change_nothing(
    world: JobsWorld, kind: BrokerKind, count: int, tmp_path: Path
) -> None:
    async with broker_place(kind) as place:
        unruly = Unruly(place.queues(), 1)
        async with (
            _dispatching(world, unruly, place, PATIENT),
            _workers(place, tmp_path, 2, unruly=True),
        ):
            jobs = await _enqueue(world, tmp_path, count=count, seconds=0.0)
            with anyio.fail_after(seconds_max):
                while await _done(world) < count:  # noqa: ASYNC110 - the books are asked
                    await asyncio.sleep(0.02)
            ended, runs = await _check(world, jobs, tmp_path)

    assert unruly.sent > 0
    assert max(job.attempts for job in ended) == 1
    assert sum(runs.values()) == count


@asynccontextmanager
async def _dispatching(
    world: JobsWorld, queues: Queues, place: BrokerPlace, pace: Pace = QUICK
) -> AsyncIterator[Dispatcher]:
    names = place.names(pace)
    world.doors = (broker_door(queues, names, admit=everybody, leads=lambda: True),)
    async with world.dispatching_now() as dispatcher:
        yield dispatcher


@asynccontextmanager
async def _workers(
    place: BrokerPlace, directory: Path, count: int, *, unruly: bool = False
) -> AsyncIterator[list[str]]:
    """Start worker processes; yield the names of their queues."""
    processes: list[asyncio.subprocess.Process] = []
    queues: list[str] = []
    for number in range(count):
        order = Order(
            name=f"worker-{number}",
            directory=str(directory),
            broker=place.direct,
            unruly_seed=number + 2 if unruly else None,
        )
        module = "tests.integration.jobs.brokers.worker_process"
        processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                msgspec.json.encode(order).decode(),
                stdout=asyncio.subprocess.PIPE,
            )
        )
    try:
        queues += [await _line(process) for process in processes]
        yield queues
    finally:
        codes = await _ended(processes)
        if codes != [0] * count:
            # Who was killed has not removed its own.
            for queue in queues:
                await place.delete(queue)
    assert codes == [0] * count


async def _ended(processes: Sequence[asyncio.subprocess.Process]) -> list[int | None]:
    """Let workers drain; kill those that do not, and show what they said."""
    for process in processes:
        process.terminate()
    drained = [asyncio.create_task(process.communicate()) for process in processes]
    _, late = await asyncio.wait(drained, timeout=ending_seconds_max)
    if late:
        for process in processes:
            if process.returncode is None:
                process.kill()
    for said, _ in await asyncio.gather(*drained):
        sys.stdout.write(said.decode())
    return [process.returncode for process in processes]


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def _enqueue(
    world: JobsWorld, directory: Path, *, count: int, seconds: float
) -> Sequence[Job]:
    file = str(directory / "effects")
    return await asyncio.gather(
        *(
            world.jobs.create(
                JobRequest(
                    function=FUNCTION, args={"number": number, "file": file, "seconds": seconds}
                ),
                actor=world.actor,
            )
            for number in range(count)
        )
    )


async def _done(world: JobsWorld) -> int:
    (row,) = await world.rows("SELECT COUNT(*) FROM job_history WHERE state = 'succeeded'")
    return int(row[0])


async def _check(
    world: JobsWorld, jobs: Sequence[Job], directory: Path
) -> tuple[list[Job], Counter[int]]:
    """Return the jobs as they ended, and how often each ran."""
    ended = [await world.job(job) for job in jobs]
    lines = (directory / "effects").read_text().splitlines()
    runs = Counter(int(line.split()[0]) for line in lines)
    told = await world.rows("SELECT id, COUNT(*) FROM job_history GROUP BY id")

    assert {job.state for job in ended} == {JobState.SUCCEEDED}
    assert [row[1] for row in told] == [1] * len(jobs)
    assert [job.result for job in ended] == [str(number) for number in range(len(jobs))]
    assert set(runs) == set(range(len(jobs)))
    unexplained = {n: count for n, count in runs.items() if count > ended[n].attempts}
    assert unexplained == {}, "these ran more often than they were given out"
    return ended, runs

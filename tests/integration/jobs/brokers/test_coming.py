"""Which dispatcher a worker has at a broker, and what it gets back after a kill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from tests.fixtures.comers import come
from tests.fixtures.jobs import JobsWorld, SpokenWorker, make_jobs, news_seconds_max
from tests.fixtures.queues import BrokerPlace, broker_place
from tests.fixtures.stores import until
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.doors import broker_door, everybody
from tidemill.jobs.protocol.messages import Held, Hello, Isolation, Started, protocol_version

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JobsWorld]:
    async with make_jobs("sqlite", tmp_path) as made:
        made.options = structs.replace(made.options, directory=None)
        yield made


@pytest.fixture
async def place() -> AsyncIterator[BrokerPlace]:
    async with broker_place("amqp") as made:
        yield made


async def test_a_worker_follows_the_lead_to_another_dispatcher_and_keeps_its_job(
    world: JobsWorld, place: BrokerPlace
) -> None:
    leader = "one"
    dialer = BrokerDialer(place.queues(), place.names(), "worker-1", slots=1)
    world.doors = (
        broker_door(place.queues(), place.names(), admit=everybody, leads=lambda: leader == "one"),
    )
    async with world.dispatching_now() as one:
        worker = await _come(dialer)
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await worker.start(assignment)
        await world.until_state(job, JobState.RUNNING)
        world.doors = (
            broker_door(
                place.queues(), place.names(), admit=everybody, leads=lambda: leader == "two"
            ),
        )
        async with world.dispatching_now() as two:
            leader = "two"
            await until(lambda: worker.gone, seconds=news_seconds_max)
            held = Held(assignment.job_id, assignment.epoch)
            back = await _come(dialer, holding=(held,))
            await back.end(assignment, result=b"6")
            done = await world.job(job)
            sessions = (set(one.sessions), set(two.sessions))
            await dialer.close()
            for each in (worker, back):
                await each.leave()

    assert (done.state, done.result, done.attempts) == (JobState.SUCCEEDED, "6", 1)
    assert sessions == (set(), {"worker-1"})


async def test_a_worker_that_was_killed_gives_its_jobs_back_when_it_starts_again(
    world: JobsWorld, place: BrokerPlace
) -> None:
    queues, names = place.queues(), place.names()
    first = BrokerDialer(queues, names, "worker-1", slots=1)
    second = BrokerDialer(place.queues(), names, "worker-1", slots=1)
    world.doors = (broker_door(place.queues(), names, admit=everybody, leads=lambda: True),)
    async with world.dispatching_now():
        worker = await _come(first)
        job = await world.a_job()
        lost = await worker.assignment(job)
        await queues.stop()  # Without a last word, as a kill does it.

        back = await _come(second)
        again = await back.assignment(job)
        await back.end(again)
        done = await world.job(job)
        await second.close()
        await back.leave()
    await place.delete(first.queue)
    await first.close()
    await worker.leave()

    assert again.epoch == lost.epoch + 1
    assert (done.state, done.rescues) == (JobState.SUCCEEDED, 1)


async def test_what_no_column_takes_stops_nobody(world: JobsWorld, place: BrokerPlace) -> None:
    dialer = BrokerDialer(place.queues(), place.names(), "worker-1", slots=1)
    world.doors = (broker_door(place.queues(), place.names(), admit=everybody, leads=lambda: True),)
    async with world.dispatching_now():
        worker = await _come(dialer)
        job = await world.a_job()
        found = await worker.assignment(job)
        await worker.connection.send(
            Started(job_id=found.job_id, epoch=found.epoch, started_at=1 << 63)
        )
        await world.until_state(job, JobState.RUNNING)
        await worker.end(found)
        done = await world.job(job)
        await dialer.close()
        await worker.leave()

    assert (done.state, done.attempts) == (JobState.SUCCEEDED, 1)


async def _come(dialer: BrokerDialer, holding: tuple[Held, ...] = ()) -> SpokenWorker:
    """Come until a dispatcher takes the worker, as every worker does."""
    hello = Hello(
        version=protocol_version,
        worker_id="worker-1",
        secret="",
        host="here",
        slots=1,
        tags=("default",),
        isolations=(Isolation.FORK, Isolation.SANDBOX),
        holding=holding,
    )
    while (worker := await come(dialer.connect, hello)).welcome is None:
        await worker.leave()  # Its predecessor is still believed to live.
    return worker

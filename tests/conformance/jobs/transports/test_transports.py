"""One suite for every way between a dispatcher and its workers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.conformance.jobs.transports.ways import Way, Workers
from tests.fixtures.jobs import JobsWorld, SpokenWorker, news_seconds_max
from tests.fixtures.looks import looked
from tests.fixtures.stores import until
from tidemill.jobs.contract import JobState
from tidemill.jobs.protocol.messages import Held, Refused, Verdict
from tidemill.jobs.records.logs.files import LogKey

pytestmark = pytest.mark.anyio

LEASE = 30


async def test_a_job_reaches_a_worker_and_its_outcome_the_books(
    world: JobsWorld, workers: Workers
) -> None:
    """Q31, by AMQP: work goes out on one queue, and what became of it comes back on another."""
    worker = await workers.come()
    job = await world.a_job(args={"number": 4})

    assignment = await worker.assignment(job)
    await worker.end(assignment, result=b"8")

    done = await world.until_state(job, JobState.SUCCEEDED)
    assert assignment.arguments == b'{"number":4}'
    assert done.result == "8"


async def test_a_job_with_large_arguments_and_a_large_result_is_carried_whole(
    world: JobsWorld, workers: Workers
) -> None:
    worker = await workers.come()
    text = "x" * 200_000
    job = await world.a_job(content="def main(text: str) -> str: ...", args={"text": text})

    assignment = await worker.assignment(job)
    await worker.end(assignment, result=b'"' + b"y" * 1_500_000 + b'"')

    done = await world.until_state(job, JobState.SUCCEEDED)
    assert len(assignment.arguments) > len(text)
    assert done.result is not None
    assert len(done.result) == 1_500_002


async def test_a_failure_is_told_with_its_message(world: JobsWorld, workers: Workers) -> None:
    worker = await workers.come()
    job = await world.a_job()

    error = {"type": "ValueError", "message": "no", "traceback": ""}
    await worker.end(await worker.assignment(job), Verdict.FAILED, error=error)

    failed = await world.until_state(job, JobState.FAILED)
    assert failed.error is not None
    assert '"no"' in failed.error


async def test_what_a_job_prints_is_kept_in_its_order(world: JobsWorld, workers: Workers) -> None:
    worker = await workers.come()
    job = await world.a_job()
    assignment = await worker.assignment(job)
    await worker.start(assignment)

    lines = [f"line {number}\n".encode() for number in range(100)]
    offset = 0
    for line in lines:
        await worker.print(assignment, offset, line)
        offset += len(line)
    await worker.end(assignment)

    key = LogKey(world.tenant_id, assignment.job_id, assignment.epoch)
    assert world.files.read(key, 0, 10_000) == b"".join(lines)


async def test_a_running_job_is_cancelled_at_its_worker(world: JobsWorld, workers: Workers) -> None:
    worker = await workers.come()
    job = await world.a_job()
    assignment = await worker.assignment(job)
    await worker.start(assignment)
    await world.until_state(job, JobState.RUNNING)

    await world.jobs.cancel(job.public_id, actor=world.actor)
    await worker.news(lambda: worker.cancelled)
    await worker.end(assignment, Verdict.CANCELLED)

    assert (await world.job(job)).state is JobState.CANCELLED
    assert worker.cancelled[0].epoch == assignment.epoch


async def test_a_worker_gets_no_more_jobs_than_it_has_slots(
    world: JobsWorld, workers: Workers
) -> None:
    worker = await workers.come(slots=2)
    jobs = [await world.a_job() for _ in range(4)]
    await worker.news(lambda: len(worker.assigned) == 2)

    first = worker.assigned[jobs[0].id]
    await worker.end(first)
    await worker.news(lambda: len(worker.assigned) == 2)

    assert set(worker.assigned) == {jobs[1].id, jobs[2].id}


async def test_a_draining_worker_gets_nothing_more(world: JobsWorld, workers: Workers) -> None:
    draining, other = await workers.come("one"), await workers.come("two", tags=("elsewhere",))
    await draining.drain()
    session = workers.dispatcher.sessions["one"]
    await until(lambda: session.draining, seconds=news_seconds_max)

    waiting = await world.a_job()
    elsewhere = await world.a_job(tag="elsewhere")
    await other.assignment(elsewhere)

    assert (await world.job(waiting)).state is JobState.QUEUED
    assert draining.assigned == {}


async def test_a_cut_connection_loses_no_job(world: JobsWorld, workers: Workers) -> None:
    worker = await workers.come()
    job = await world.a_job()
    assignment = await worker.assignment(job)
    await worker.start(assignment)
    await world.until_state(job, JobState.RUNNING)

    await workers.way.cut(worker)
    back = await _back(workers, worker, holding=(Held(assignment.job_id, assignment.epoch),))
    await back.end(assignment, result=b"5")

    done = await world.job(job)
    assert (done.state, done.result, done.attempts) == (JobState.SUCCEEDED, "5", 1)


async def test_a_lost_workers_job_runs_again_elsewhere(world: JobsWorld, workers: Workers) -> None:
    one = await workers.come("one")
    job = await world.a_job()
    lost = await one.assignment(job)
    await one.leave()
    await until(lambda: "one" not in workers.dispatcher.sessions, seconds=news_seconds_max)

    two = await workers.come("two")
    await _lease_over(world)
    found = await two.assignment(job)
    await two.end(found, result=b"2")

    done = await world.job(job)
    assert found.epoch == lost.epoch + 1
    assert (done.state, done.result, done.rescues) == (JobState.SUCCEEDED, "2", 1)


async def test_an_outcome_of_an_old_epoch_changes_nothing(
    world: JobsWorld, workers: Workers
) -> None:
    one = await workers.come("one")
    job = await world.a_job()
    lost = await one.assignment(job)
    await _lease_over(world)
    await until(lambda: one.gone, seconds=news_seconds_max)
    two = await workers.come("two")
    found = await two.assignment(job)
    back = await workers.come("one", holding=(Held(lost.job_id, lost.epoch),))

    await back.end(lost, result=b"1")
    await two.end(found, result=b"2")

    assert back.welcome is not None
    assert back.welcome.keep == ()
    assert (await world.job(job)).result == "2"


async def test_a_dispatcher_that_starts_again_keeps_what_its_workers_run(
    world: JobsWorld, way: Way
) -> None:
    async with AsyncExitStack() as stack:
        async with world.dispatching_now() as dispatcher:
            worker = await Workers(way, dispatcher, stack).come()
            job = await world.a_job()
            assignment = await worker.assignment(job)
            await worker.start(assignment)
            await world.until_state(job, JobState.RUNNING)
        world.build()
        async with world.dispatching_now() as dispatcher:
            held = Held(assignment.job_id, assignment.epoch)
            back = await Workers(way, dispatcher, stack).come(holding=(held,))
            await back.end(assignment, result=b"6")

            done = await world.job(job)

    assert back.welcome is not None
    assert back.welcome.keep == (held,)
    assert (done.state, done.attempts, done.rescues) == (JobState.SUCCEEDED, 1, 0)


async def test_a_second_worker_of_the_same_name_is_sent_away(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tidemill.jobs.dispatching.dispatcher.reception.predecessor_seconds_max", 0.1
    )
    first = await workers.come("one")
    await first.beat()

    second = await workers.come("two", worker_id="one")

    (refused,) = second.other
    assert isinstance(refused, Refused)
    assert "Another worker named 'one' is connected" in refused.reason
    assert not first.gone


async def test_a_worker_of_another_release_is_sent_away(workers: Workers) -> None:
    worker = await workers.come(version=999)

    (refused,) = worker.other
    assert isinstance(refused, Refused)
    assert "Install the same release" in refused.reason


async def _back(workers: Workers, worker: SpokenWorker, **fields: Any) -> SpokenWorker:
    """Return the worker, which has come again when its way does not heal by itself."""
    if worker.connection.closed:
        return await workers.come(worker.hello.worker_id, **fields)
    return worker


async def _lease_over(world: JobsWorld) -> None:
    """Let more than a lease go by, as time does: the dispatcher looks again and again."""
    await looked(world)
    for _ in range(5):
        world.clock.advance(LEASE / 4)
        await looked(world)

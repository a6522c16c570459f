"""Lost workers, lost dispatchers and late words: no job is lost, none is ended twice."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld, news_seconds_max
from tests.fixtures.looks import looked
from tests.fixtures.stores import until
from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.models import Begun, Demand, Ended, Ring
from tidemill.jobs.protocol.messages import Held, Refused, Verdict
from tidemill.jobs.queueing.queue.models import Ending, rescues_max

pytestmark = pytest.mark.anyio

LEASE = 30


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_lost_workers_job_runs_again_elsewhere(world: JobsWorld) -> None:
    async with world.dispatching_now():
        async with world.a_worker("one") as one:
            job = await world.a_job()
            lost = await one.assignment(job)
            await one.start(lost)
            await world.until_state(job, JobState.RUNNING)
        async with world.a_worker("two") as two:
            await looked(world)
            await _pass(world, LEASE + 1)
            found = await two.assignment(job)
            await two.end(found, result=b"2")

            ended = await world.job(job)

    assert found.epoch == lost.epoch + 1
    assert (ended.state, ended.attempts, ended.rescues) == (JobState.SUCCEEDED, 2, 1)


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_an_end_that_a_worker_tells_twice_is_recorded_once(world: JobsWorld) -> None:
    first, second = await world.a_job(), await world.a_job()
    demand = Demand(
        worker_id="one", generation=1, slots=2, tags=("default",), isolations=("sandbox",)
    )
    claimed = (await world.dispatching.turn([], [demand], Ring(), leads=True)).claimed["one"]
    ending = Ending(
        verdict=JobState.SUCCEEDED, started_at=Instant(1), finished_at=Instant(2), result="1"
    )
    ended = [Ended(job.tenant_id, job.id, job.epoch, ending) for job in claimed]

    await world.dispatching.turn([*ended, ended[0]], [], Ring(), leads=True)

    states = [(await world.job(job)).state for job in (first, second)]
    assert states == [JobState.SUCCEEDED, JobState.SUCCEEDED]


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_silent_workers_late_outcome_is_fenced_off(world: JobsWorld) -> None:
    """Q30: who is not heard of is lost, and counts no longer."""
    async with world.dispatching_now(), world.a_worker("one") as one:
        job = await world.a_job()
        lost = await one.assignment(job)
        await looked(world)
        await _pass(world, LEASE + 1)
        await until(lambda: one.gone, seconds=news_seconds_max)
        held = Held(lost.job_id, lost.epoch)
        async with world.a_worker("two") as two, world.a_worker("one", holding=[held]) as back:
            found = await two.assignment(job)
            assert back.welcome is not None
            assert back.welcome.keep == ()
            await back.end(lost, result=b"1")
            await two.end(found, result=b"2")

            ended = await world.job(job)

    assert (ended.state, ended.result) == (JobState.SUCCEEDED, "2")


async def test_signs_of_life_keep_the_lease(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        for _ in range(4):
            await looked(world)
            before = (await world.workers.list())[0][0].beat
            await worker.beat()
            await _beaten(world, before)
            await _pass(world, LEASE / 2)
        await worker.end(assignment)

        assert (await world.job(job)).rescues == 0


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_no_job_runs_again_after_the_dispatcher_was_down_for_three_leases(
    world: JobsWorld,
) -> None:
    """API and dispatcher down for three leases with 20 long jobs running: no re-run."""
    async with world.dispatching_now(), world.a_worker(slots=20) as worker:
        jobs = [await world.a_job() for _ in range(20)]
        await worker.news(lambda: len(worker.assigned) == 20)
        running = list(worker.assigned.values())
        for assignment in running:
            await worker.start(assignment)
        for job in jobs:
            await world.until_state(job, JobState.RUNNING)

    world.clock.advance(3 * LEASE)
    world.build()
    holding = [Held(one.job_id, one.epoch) for one in running]
    async with world.dispatching_now():
        await looked(world)
        world.clock.advance(LEASE - 1)
        await looked(world)
        async with world.a_worker(slots=20, holding=holding) as back:
            assert back.welcome is not None
            assert set(back.welcome.keep) == set(holding)
            for assignment in running:
                await back.end(assignment)
            ended = [await world.job(job) for job in jobs]

    assert {(job.state, job.attempts, job.rescues) for job in ended} == {(JobState.SUCCEEDED, 1, 0)}
    assert back.assigned == {}


async def test_an_outcome_from_the_spool_counts_after_the_dispatcher_was_away(
    world: JobsWorld,
) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)

    held = Held(assignment.job_id, assignment.epoch)
    world.build()
    async with world.dispatching_now(), world.a_worker(unacknowledged=[held]) as back:
        await back.end(assignment, result=b"3")

        ended = await world.job(job)

    assert (ended.state, ended.result, ended.attempts) == (JobState.SUCCEEDED, "3", 1)


async def test_an_outcome_that_was_recorded_already_is_taken_again(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await worker.end(assignment, result=b"1")

    held = Held(assignment.job_id, assignment.epoch)
    async with world.dispatching_now(), world.a_worker(unacknowledged=[held]) as back:
        await back.end(assignment, result=b"9")

    assert (await world.job(job)).result == "1"


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_job_that_its_returning_worker_does_not_know_runs_again_at_once(
    world: JobsWorld,
) -> None:
    async with world.dispatching_now():
        async with world.a_worker() as worker:
            job = await world.a_job()
            first = await worker.assignment(job)
        async with world.a_worker() as back:
            second = await back.assignment(job)

    assert second.epoch == first.epoch + 1


async def test_a_job_that_takes_its_workers_along_ends_with_a_reason(world: JobsWorld) -> None:
    job = await world.a_job()
    async with world.dispatching_now():
        for _ in range(rescues_max):
            async with world.a_worker() as worker:
                await worker.assignment(job)
        async with world.a_worker():
            ended = await world.until_state(job, JobState.FAILED)

    assert ended.rescues == rescues_max
    assert "WorkerLost" in (ended.error or "")
    assert await world.fact_types() == ["JobFinished"]


async def test_a_cancelled_job_of_a_lost_worker_does_not_run_again(world: JobsWorld) -> None:
    async with world.dispatching_now():
        async with world.a_worker() as worker:
            job = await world.a_job()
            await worker.assignment(job)
            await world.jobs.cancel_job(job.id, actor=world.actor)
        async with world.a_worker():
            assert (await world.job(job)).state is JobState.CANCELLED


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_outcomes_wait_for_a_store_that_is_away(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []
    turn = world.dispatching.turn

    async def failing(*args: object, **kwargs: object) -> object:
        if args[0] and len(failures) < 2:
            failures.append(1)
            raise OSError("the disk is away")
        return await turn(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(world.dispatching, "turn", failing)
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        await worker.end(await worker.assignment(job), result=b"1")

    assert len(failures) == 2
    assert (await world.job(job)).result == "1"


async def test_outcomes_outlive_a_turn_that_fails_to_mark_what_began(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []
    begin = world.dispatching.begin

    async def failing(begun: Sequence[Begun]) -> None:
        if len(failures) < 2:
            failures.append(1)
            raise OSError("the disk is away")
        await begin(begun)

    monkeypatch.setattr(world.dispatching, "begin", failing)
    async with world.dispatching_now(), world.a_worker() as worker:
        jobs = [await world.a_job() for _ in range(2)]
        first, second = [await worker.assignment(job) for job in jobs]
        await worker.start(second)
        await worker.end(first, result=b"1")
        await worker.end(second)

    ended = await world.job(jobs[0])
    assert (len(failures), ended.result, ended.epoch) == (2, "1", 1)


async def test_no_job_runs_again_after_the_store_was_away_for_a_lease(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await looked(world)
        failed: list[int] = []

        async def away(*_: object) -> None:
            failed.append(1)
            raise OSError("the store is away")

        with monkeypatch.context() as outage:
            outage.setattr(world.dispatching, "look", away)
            world.clock.advance(LEASE + 1)
            await until(lambda: failed, seconds=news_seconds_max)
        await looked(world)
        await worker.end(assignment)

    ended = await world.job(job)
    assert (ended.state, ended.rescues) == (JobState.SUCCEEDED, 0)


# With one slot, the turn that ends the first job claims the second one.
@pytest.mark.parametrize(("broken", "slots"), [("end_followed", 1), ("give_back", 2)])
@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_what_a_broken_turn_has_claimed_is_handed_out_all_the_same(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch, broken: str, slots: int
) -> None:
    whole = getattr(world.dispatching, broken)
    failed: list[int] = []

    async def failing(*args: object, **kwargs: object) -> object:
        if args[0] and not failed:
            failed.append(1)
            raise OSError("the store is away")
        return await whole(*args, **kwargs)

    async def unreadable(*_: object) -> str:
        raise OSError("the script's store is away")

    async with world.dispatching_now(), world.a_worker(slots=slots) as worker:
        first = await world.a_job(work_item_id="item")
        assignment = await worker.assignment(first)
        monkeypatch.setattr(world.dispatching, broken, failing)
        if broken == "give_back":
            await world.deploy()
            with monkeypatch.context() as outage:
                outage.setattr(world.scripts, "content", unreadable)
                second = await world.a_job(script_path="double", args={"number": 1})
                await until(lambda: failed, seconds=news_seconds_max)
        else:
            second = await world.a_job()
        await worker.end(assignment)
        found = await worker.assignment(second)
        await worker.end(found)

    assert failed
    assert (await world.job(second)).state is JobState.SUCCEEDED


async def test_a_worker_with_a_wrong_secret_or_a_taken_name_is_refused(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker("one") as one:
        async with world.a_worker("two", secret="guess") as two:
            assert isinstance(two.other[0], Refused)
            assert "secret" in two.other[0].reason
        async with world.a_worker("three", version=99) as three:
            assert "version" in three.other[0].reason
        job = await world.a_job()
        await one.assignment(job)

    assert two.assigned == three.assigned == {}


async def test_a_draining_worker_gets_nothing_and_leaves_the_list(world: JobsWorld) -> None:
    async with world.dispatching_now() as dispatcher, world.a_worker() as worker:
        await worker.drain()
        await until(
            lambda: all(one.draining for one in dispatcher.sessions.values()),
            seconds=news_seconds_max,
        )
        await world.a_job()
        await worker.leave()
        await until(lambda: not dispatcher.sessions, seconds=news_seconds_max)
        # The book is written by the turn that follows.
        with anyio.fail_after(news_seconds_max):
            while [state for _, state in await world.workers.list()] != ["left"]:  # noqa: ASYNC110 - the book tells nobody
                await anyio.sleep(0.005)

    assert worker.assigned == {}


async def test_workers_are_listed_with_what_they_are(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker("one", slots=3) as worker:
        await worker.assignment(await world.a_job())
        ((found, state),) = await world.workers.list()

        assert (found.id, found.slots, found.jobs, state) == ("one", 3, 1, "connected")
        assert found.tags == ("default",)


async def test_the_last_outcomes_are_durable_when_the_dispatcher_stops(world: JobsWorld) -> None:
    async with world.dispatching_now() as dispatcher, world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await worker.end(assignment, Verdict.SUCCEEDED, result=b"1", taken=False)
        await until(
            lambda: all(not one.held for one in dispatcher.sessions.values()),
            seconds=news_seconds_max,
        )

    assert (await world.job(job)).result == "1"


async def test_a_job_whose_announcement_was_lost_is_found_within_a_tick(world: JobsWorld) -> None:
    world.options = structs.replace(world.options, look_seconds=3_600)
    async with world.dispatching_now(), world.a_worker() as worker:
        # The services of another process, whose announcement is lost on the bus.
        world.build()
        job = await world.a_job()

        await worker.news(lambda: job.id in worker.assigned)


async def _pass(world: JobsWorld, seconds: float) -> None:
    """Let time pass as it does: the dispatcher looks again and again."""
    step_max = LEASE / 4
    while seconds > 0:
        world.clock.advance(min(seconds, step_max))
        seconds -= step_max
        await looked(world)


async def _beaten(world: JobsWorld, before: int) -> None:
    """Wait until a sign of life is in the store."""
    with anyio.fail_after(news_seconds_max):
        while (await world.workers.list())[0][0].beat == before:  # noqa: ASYNC110
            await anyio.sleep(0.01)

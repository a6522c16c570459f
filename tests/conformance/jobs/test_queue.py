"""The queue on both databases, through the dispatcher's own socket."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.jobs.contract import JobState
from tidemill.jobs.protocol.messages import Held, Isolation, Verdict
from tidemill.jobs.records.logs import writing

pytestmark = pytest.mark.anyio


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_job_runs_from_its_request_to_its_result(world: JobsWorld) -> None:
    await world.deploy()
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(script_path="double", args={"number": 21})
        assignment = await worker.assignment(job)
        await worker.start(assignment)
        await world.until_state(job, JobState.RUNNING)
        await worker.end(assignment, result=b"42")

        ended = await world.job(job)

    assert assignment.content.startswith("def main")
    assert assignment.arguments == b'{"number":21}'
    assert assignment.epoch == 1
    assert assignment.isolation is Isolation.SANDBOX
    assert (ended.state, ended.result, ended.attempts) == (JobState.SUCCEEDED, "42", 1)
    assert await world.rows("SELECT id FROM jobs") == []
    assert world.live.states(job.id) == ["leased", "running", "succeeded"]


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_claim_follows_priority_then_arrival(world: JobsWorld) -> None:
    first = await world.a_job()
    second = await world.a_job()
    urgent = await world.a_job(priority=1)

    async with world.dispatching_now(), world.a_worker(slots=1) as worker:
        order = []
        for _ in range(3):
            assignment = await worker.assignment()
            order.append(assignment.job_id)
            await worker.end(assignment)

    assert order == [urgent.id, first.id, second.id]


async def test_a_job_with_a_time_waits_for_it(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(run_at=world.clock.now() + 3_600_000_000)
        other = await world.a_job()
        await worker.end(await worker.assignment(other))
        assert (await world.job(job)).state is JobState.SCHEDULED

        world.clock.advance(3_601)

        assert (await worker.assignment(job)).job_id == job.id


async def test_a_job_is_picked_up_at_its_time_without_a_poll(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(run_at=world.clock.now() + 30_000)

        assignment = await worker.assignment(job)

    assert assignment.job_id == job.id


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_failed_attempt_is_tried_again_after_a_while(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(attempts_max=2)
        first = await worker.assignment(job)
        error = {"type": "ValueError", "message": "no", "traceback": ""}
        await worker.end(first, Verdict.FAILED, error=error)
        second = await worker.assignment(job)
        await worker.end(second, result=b"1")

        ended = await world.job(job)

    assert (first.attempt, second.attempt) == (1, 2)
    assert second.epoch > first.epoch
    assert (ended.state, ended.attempts) == (JobState.SUCCEEDED, 2)
    assert await world.fact_types() == []


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.FAILED, JobState.FAILED),
        (Verdict.TIMED_OUT, JobState.TIMED_OUT),
        (Verdict.CANCELLED, JobState.CANCELLED),
    ],
)
async def test_the_last_attempt_decides_how_the_job_ends(
    world: JobsWorld, verdict: Verdict, state: JobState
) -> None:
    error = {"type": "ValueError", "message": "no tide", "traceback": "line 1"}
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        await worker.end(await worker.assignment(job), verdict, error=error)

        ended = await world.job(job)

    assert ended.state is state
    assert "no tide" in (ended.error or "")
    expected = [] if state is JobState.CANCELLED else ["JobFinished"]
    assert await world.fact_types() == expected


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_facts_of_a_work_items_job_tell_its_whole_life(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(work_item_id="item-1", attempts_max=2)
        first = await worker.assignment(job)
        await worker.start(first)
        await worker.end(first, Verdict.FAILED, error={"message": "no"})
        second = await worker.assignment(job)
        await worker.start(second)
        await worker.end(second, result=b'{"tide": 3}')

    facts = await world.rows("SELECT type, topics, data, tenant_id FROM outbox ORDER BY position")
    assert [fact[0] for fact in facts] == [
        "JobQueued", "JobStarted", "JobRetryScheduled", "JobStarted", "JobFinished",
    ]  # fmt: skip
    assert {fact[1] for fact in facts} == {f'["job:{job.id}","work-item:item-1"]'}
    assert {fact[3] for fact in facts} == {world.tenant_id}
    assert '"result":{"tide": 3}' in facts[-1][2]


async def test_cancel_ends_a_waiting_job_at_once(world: JobsWorld) -> None:
    job = await world.a_job()

    cancelled = await world.jobs.cancel_job(job.id, actor=world.actor)
    again = await world.jobs.cancel_job(job.id, actor=world.actor)

    assert cancelled.state is again.state is JobState.CANCELLED
    async with world.dispatching_now(), world.a_worker() as worker:
        other = await world.a_job()
        assert (await worker.assignment()).job_id == other.id


async def test_cancel_asks_the_worker_of_a_running_job_once(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(attempts_max=3)
        assignment = await worker.assignment(job)
        await worker.start(assignment)
        await world.jobs.cancel_job(job.id, actor=world.actor)
        await world.jobs.cancel_job(job.id, actor=world.actor)
        await worker.news(lambda: worker.cancelled)
        await worker.end(assignment, Verdict.CANCELLED)

        ended = await world.job(job)

    assert [(one.job_id, one.epoch) for one in worker.cancelled] == [(job.id, 1)]
    assert ended.state is JobState.CANCELLED
    assert ended.cancelled_by == world.actor.user_id


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_cancel_from_another_process_reaches_the_worker(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        await worker.assignment(job)
        elsewhere = world.jobs
        world.build()  # The services of another process: no signal of theirs arrives here.
        await world.jobs.cancel_job(job.id, actor=world.actor)

        await worker.news(lambda: worker.cancelled)

    assert elsewhere is not world.jobs


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_job_that_a_draining_worker_lets_go_loses_no_attempt(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        first = await worker.assignment(job)
        await worker.end(first, Verdict.LOST)
        second = await worker.assignment(job)

        running = await world.job(job)

    assert (first.attempt, second.attempt) == (1, 1)
    assert second.epoch == first.epoch + 1
    assert (running.attempts, running.rescues) == (1, 0)


async def test_jobs_go_only_to_free_slots(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker(slots=2) as worker:
        jobs = [await world.a_job() for _ in range(3)]
        first = await worker.assignment(jobs[0])
        await worker.assignment(jobs[1])
        assert len(worker.assigned) == 2
        await worker.end(first)
        await worker.assignment(jobs[2])

    assert len(worker.assigned) == 2


async def test_a_dispatcher_hands_out_no_more_than_its_limit(world: JobsWorld) -> None:
    """Q20: with 101 due jobs and a limit of 100, one waits."""
    jobs = await asyncio.gather(*(world.a_job() for _ in range(101)))
    async with world.dispatching_now() as dispatcher, world.a_worker(slots=200) as worker:
        await worker.news(lambda: len(worker.assigned) == 100)
        await worker.end(await worker.assignment(jobs[0]))
        await worker.assignment(jobs[100])

        held = sum(len(session.held) for session in dispatcher.sessions.values())

    assert held == 100


async def test_jobs_go_to_workers_that_take_their_tag_and_isolation(world: JobsWorld) -> None:
    tagged = await world.a_job(tag="big")
    plain = await world.a_job()
    async with (
        world.dispatching_now(),
        world.a_worker("big", tags=("big",)) as big,
        world.a_worker("weak", isolations=(Isolation.FORK,)) as weak,
    ):
        assert (await big.assignment()).job_id == tagged.id
        reason = await world.jobs.waiting_for(await world.job(plain))

        assert reason is not None
        assert "sandbox" in reason
        assert weak.assigned == {}


async def test_a_waiting_job_says_that_nobody_takes_it(world: JobsWorld) -> None:
    job = await world.a_job(tag="big")

    assert "No worker is connected" in (await world.jobs.waiting_for(job) or "")
    async with world.dispatching_now(), world.a_worker():
        assert "'big'" in (await world.jobs.waiting_for(job) or "")


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_ten_thousand_jobs_of_one_tenant_do_not_delay_another(world: JobsWorld) -> None:
    greedy = [world.a_job(language="bash", content="true", args={}) for _ in range(10_000)]
    await asyncio.gather(*greedy)
    modest = world.an_actor(await a_tenant(world.stores))
    async with world.dispatching_now(), world.a_worker(slots=2) as worker:
        await worker.news(lambda: len(worker.assigned) == 2)
        job = await world.a_job(actor=modest)
        for _ in range(2):
            await worker.end(next(iter(worker.assigned.values())))

        assert (await worker.assignment(job)).tenant_id == modest.tenant_id


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_holding_twice_the_same_job_is_impossible(world: JobsWorld) -> None:
    jobs = [await world.a_job() for _ in range(30)]
    async with (
        world.dispatching_now(),
        world.a_worker("one", slots=15) as one,
        world.a_worker("two", slots=15) as two,
    ):
        await one.news(lambda: len(one.assigned) == 15)
        await two.news(lambda: len(two.assigned) == 15)

        held = [Held(a.job_id, a.epoch) for w in (one, two) for a in w.assigned.values()]

    assert sorted(one.job_id for one in held) == sorted(job.id for job in jobs)


async def test_dispatcher_shows_the_last_lines_before_it_tells_the_end(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "live_seconds", 3600.0)
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await worker.print(assignment, 0, b"the last line\n")
        await worker.end(assignment)

    told = [(type_, data) for _, _, type_, data in world.live.published]
    types = [type_ for type_, data in told if data.get("state") in (None, "succeeded")]
    assert types == ["JobLogLines", "JobStateChanged"]


async def test_a_log_with_a_gap_says_so_and_goes_on(world: JobsWorld) -> None:
    """Never NUL bytes: a page, and the stream, tell what was lost and then the rest."""
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        assignment = await worker.assignment(job)
        await worker.print(assignment, 0, b"first\n")
        await worker.print(assignment, 200_000, b"last\n")
        await worker.end(assignment)

        page = await world.logs.page(job.id, bytes_max=1 << 20, actor=world.actor)
        followed = [part.text async for part in world.logs.follow(job.id, actor=world.actor)]

    told = "first\n\n[… 199994 bytes of log were lost …]\nlast\n"
    assert page.text == told
    assert "".join(followed) == told

"""What a tenant does with its jobs, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.jobs import DOUBLE, JobsWorld, make_jobs
from tests.fixtures.stores import a_tenant, until
from tidemill.core.ids import INSTALLATION
from tidemill.core.pages import page_request
from tidemill.core.ports import Tx
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.scripts.service import Deployment
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.errors import InvalidJobField, JobIdTaken, JobNotFound, QueueFull
from tidemill.jobs.protocol.messages import RegisteredFunction
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.logs.files import LogKey
from tidemill.jobs.records.search.models import JobFilter

pytestmark = pytest.mark.anyio

SEND: Final = "shop.tasks:send"
_DAYS: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^job_history_[0-9]+$'
"""


@pytest.mark.each_database(reason="enqueues race for rows")
async def test_an_id_that_is_sent_a_thousand_times_runs_once(world: JobsWorld) -> None:
    fields: dict[str, Any] = {"id": "nightly-1", "language": "bash", "content": "true", "args": {}}
    runs = []
    async with world.dispatching_now(), world.a_worker() as worker:

        async def run() -> None:
            while True:
                assignment = await worker.assignment()
                runs.append(assignment.job_id)
                await worker.end(assignment)

        running = asyncio.create_task(run())
        answers = []
        for _ in range(10):
            answers += await asyncio.gather(*(world.a_job(**fields) for _ in range(100)))
        await world.until_state(answers[0], JobState.SUCCEEDED)
        running.cancel()

    assert len({answer.id for answer in answers}) == 1
    assert len(answers) == 1_000
    assert runs == [answers[0].id]
    assert {answer.public_id for answer in answers} == {"nightly-1"}


async def test_an_id_with_another_request_is_refused(world: JobsWorld) -> None:
    await world.a_job(id="nightly", args={"number": 1})

    with pytest.raises(JobIdTaken):
        await world.a_job(id="nightly", args={"number": 2})

    assert len(await world.rows("SELECT id FROM jobs")) == 1


async def test_an_id_is_of_one_request_whether_that_says_a_priority_of_0_or_none(
    world: JobsWorld,
) -> None:
    job = await world.a_job(id="nightly")

    again = await world.a_job(id="nightly", priority=0)

    assert again.id == job.id


@pytest.mark.parametrize(
    "now",
    [
        RegisteredFunction(name=SEND, schema="{}", tag="mail", priority=5, timeout_seconds=9),
        RegisteredFunction(name=SEND, schema='{"type": "object", "required": ["to"]}'),
    ],
    ids=["says other numbers", "wants other arguments"],
)
async def test_an_id_gives_the_job_of_a_function_that_is_deployed_anew_since(
    world: JobsWorld, now: RegisteredFunction
) -> None:
    functions = FunctionService(world.stores.jobs)
    queue = JobService(
        world.stores.jobs,
        world.clock,
        world.limits,
        scripts=world.scripts,
        workers=world.workers,
        signals=world.signals,
        links=lambda: world.links,
        functions=functions,
    )
    request = JobRequest(function=SEND, id="nightly")
    await functions.keep([RegisteredFunction(name=SEND, schema="{}", priority=1)])
    job = await queue.create(request, actor=world.actor)
    await functions.keep([now])

    again = await queue.create(request, actor=world.actor)

    assert (again.id, again.priority) == (job.id, 1)


async def test_an_id_that_another_job_was_given_is_refused(world: JobsWorld) -> None:
    job = await world.a_job()

    with pytest.raises(JobIdTaken):
        await world.a_job(id=job.id)

    assert (await world.job(job)).key is None


async def test_the_same_id_in_another_tenant_is_another_job(world: JobsWorld) -> None:
    mine = await world.a_job(id="nightly")
    theirs = await world.a_job(id="nightly", actor=world.an_actor(await a_tenant(world.stores)))

    assert mine.id != theirs.id


async def test_each_start_and_cancel_of_a_person_is_audited(world: JobsWorld) -> None:
    job = await world.a_job()
    await world.jobs.cancel_job(job.id, actor=world.actor)

    lines = await world.rows(
        "SELECT action, resource, request_id FROM audit_outbox ORDER BY position"
    )

    resource = f"job:{job.id}"
    assert [tuple(line) for line in lines] == [
        ("jobs.jobs.create", resource, "req-1"),
        ("jobs.jobs.cancel", resource, "req-1"),
    ]


@pytest.mark.each_database(reason="enqueues race for rows")
async def test_fifty_parallel_enqueuers_lose_nothing(world: JobsWorld) -> None:
    async def enqueue() -> list[str]:
        return [(await world.a_job(language="bash", content="true", args={})).id for _ in range(20)]

    made = [id_ for ids in await asyncio.gather(*(enqueue() for _ in range(50))) for id_ in ids]

    stored = await world.rows("SELECT id FROM jobs")
    assert sorted(made) == sorted(row[0] for row in stored)
    assert len(set(made)) == 1_000


@pytest.mark.each_database(reason="enqueues race for rows")
async def test_a_tenant_may_have_only_so_many_jobs_waiting(world: JobsWorld) -> None:
    world.limits = QueueLimits(queued_per_tenant_max=3)
    world.build()
    jobs = [await world.a_job() for _ in range(3)]

    with pytest.raises(QueueFull):
        await world.a_job()
    await world.a_job(actor=world.an_actor(await a_tenant(world.stores)))
    await world.jobs.cancel_job(jobs[0].id, actor=world.actor)
    await world.a_job()


async def test_wait_returns_when_the_job_ends(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job()
        waiting = asyncio.create_task(world.jobs.wait_final(job.id, seconds=30, actor=world.actor))
        await worker.end(await worker.assignment(job), result=b"7")

        ended = await waiting

    assert ended.result == "7"


async def test_wait_returns_what_is_when_time_is_up(world: JobsWorld) -> None:
    job = await world.a_job()

    assert (await world.jobs.wait_final(job.id, seconds=0.01, actor=world.actor)).state == "queued"


async def test_list_shows_live_and_finished_jobs_page_by_page(world: JobsWorld) -> None:
    jobs = [await world.a_job(tag="a" if number % 2 else "b") for number in range(7)]
    for job in jobs[::3]:
        await world.jobs.cancel_job(job.id, actor=world.actor)
    await world.a_job(actor=world.an_actor(await a_tenant(world.stores)))

    seen: list[str] = []
    cursor = None
    while True:
        page = await world.search.list(page_request(3, cursor), JobFilter(), actor=world.actor)
        seen += [job.id for job in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [job.id for job in reversed(jobs)]
    wanted = JobFilter(state=JobState.CANCELLED, tag="b")
    found = await world.search.list(page_request(50, None), wanted, actor=world.actor)
    assert [job.id for job in found.items] == [jobs[6].id, jobs[0].id]


async def test_another_tenants_job_is_not_found(world: JobsWorld) -> None:
    job = await world.a_job(id="mine")
    stranger = world.an_actor(await a_tenant(world.stores))

    for reference in (job.id, "mine"):
        with pytest.raises(JobNotFound):
            await world.jobs.get(reference, actor=stranger)
        with pytest.raises(JobNotFound):
            await world.jobs.cancel_job(reference, actor=stranger)


async def test_prune_deletes_only_what_finished_long_ago(world: JobsWorld) -> None:
    old = await world.a_job(id="old")
    await world.jobs.cancel_job("old", actor=world.actor)
    waiting = await world.a_job(id="waiting")
    world.clock.advance(40 * 86_400)
    young = await world.a_job()
    await world.jobs.cancel_job(young.id, actor=world.actor)

    await world.dispatching.housekeeping.make_days()
    await world.dispatching.housekeeping.prune(days=30)

    assert (await world.job(young)).state is JobState.CANCELLED
    assert (await world.job(waiting)).state is JobState.QUEUED
    with pytest.raises(JobNotFound):
        await world.jobs.get(old.id, actor=world.actor)


@pytest.mark.needs("postgres")
@pytest.mark.each_database(reason="enqueues race for rows")
async def test_days_that_are_over_are_dropped_unless_somebody_reads_them(tmp_path: Path) -> None:
    async with make_jobs("schema", tmp_path) as world:
        await world.dispatching.housekeeping.make_days()
        await world.a_job(id="old")
        await world.jobs.cancel_job("old", actor=world.actor)
        world.clock.advance(40 * 86_400)
        now, began = world.clock.now(), asyncio.Event()
        loop = asyncio.get_running_loop()

        async def hold() -> None:
            def use_case(tx: Tx) -> None:
                tx.all("SELECT id FROM job_history LIMIT 1")
                loop.call_soon(began.set)
                while not done:
                    tx.one("SELECT pg_sleep(0.01)")

            await world.stores.jobs.read(INSTALLATION, use_case)

        done: list[bool] = []
        holding = asyncio.create_task(hold())
        await began.wait()
        await world.dispatching.housekeeping.drop_days(now, days=30)
        kept = await world.rows(_DAYS)
        done.append(True)
        await holding

        await world.dispatching.housekeeping.drop_days(now, days=30)

        assert kept
        assert await world.rows(_DAYS) == []


async def test_a_waiting_job_survives_that_its_key_is_old(world: JobsWorld) -> None:
    job = await world.a_job(id="old")
    world.clock.advance(40 * 86_400)
    await world.dispatching.housekeeping.prune(days=30)

    assert (await world.a_job(id="old")).id == job.id


async def test_an_id_is_kept_as_long_as_its_job_is_in_the_history(world: JobsWorld) -> None:
    job = await world.a_job(id="late")
    world.clock.advance(40 * 86_400)
    await world.jobs.cancel_job("late", actor=world.actor)
    await world.dispatching.housekeeping.make_days()

    await world.dispatching.housekeeping.prune(days=30)

    assert (await world.a_job(id="late")).id == job.id, "it ran a second time"


async def test_who_follows_a_log_is_cut_off_with_its_credential(world: JobsWorld) -> None:
    job = await world.a_job()
    world.revoked = True
    pages = world.logs.follow(job.public_id, actor=world.actor)
    following = asyncio.ensure_future(anext(pages, None))
    key = LogKey(job.tenant_id, job.id, 1)
    await until(lambda: key in world.arrivals._waiting)

    world.clock.advance(2)
    world.arrivals.arrived(key)

    async with asyncio.timeout(60):
        assert await following is None, "the stream ended without the job's end"


async def test_create_takes_the_isolation_that_the_script_was_deployed_with(
    world: JobsWorld,
) -> None:
    warm = Deployment(path="warm", language="python", content=DOUBLE, isolation="warm")
    await world.scripts.deploy(warm, actor=world.actor)

    job = await world.a_job(script_path="warm", args={"number": 1})
    apart = await world.a_job(script_path="warm", args={"number": 1}, isolation="sandbox")

    assert (job.isolation, apart.isolation) == ("warm", "sandbox")
    with pytest.raises(InvalidJobField, match="sandbox for bash"):
        await world.scripts.deploy(
            Deployment(path="b", language="bash", content="true", isolation="warm"),
            actor=world.actor,
        )

"""Tags that are paused, and workers that are drained, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeVar, cast

import anyio
import pytest

from tests.fixtures.endings import claimed
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.operators import NamedOperators
from tests.fixtures.stores import a_tenant, until
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Database, Tx
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import JobsOperatorNeeded, WorkerNotFound
from tidemill.jobs.protocol.messages import Drain
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.workers.models import WorkerState, waiting_for
from tidemill.jobs.requirements.models import Requires
from tidemill.jobs.scheduling.reasons.models import Lane, ReasonCode, explain_job
from tidemill.jobs.scheduling.reasons.repository import ReasonRepository
from tidemill.jobs.steering.drains.service import DrainService
from tidemill.jobs.steering.tags.models import TagState
from tidemill.jobs.steering.tags.service import TagService

pytestmark = pytest.mark.anyio

T = TypeVar("T")
_tags: Iterator[int] = count(1)


@pytest.fixture
def tag() -> str:
    """Return a tag of this test's own."""
    return f"tags-{next(_tags)}"


@pytest.fixture
def tags(world: JobsWorld, operators: NamedOperators) -> TagService:
    return TagService(world.stores.jobs, world.clock, operators, world.signals)


@pytest.fixture
def operators() -> NamedOperators:
    return NamedOperators()


async def states(world: JobsWorld, tags: TagService, **options: bool) -> dict[str, TagState]:
    page, _ = await tags.list(PageRequest(limit=200), actor=world.actor, **options)
    return {state.tag: state for state in page.items}


async def test_jobs_of_a_paused_tag_wait_and_say_so(
    world: JobsWorld, tags: TagService, tag: str
) -> None:
    job = await world.a_job(tag=tag)
    theirs = await world.a_job(tag=tag, actor=world.an_actor(await a_tenant(world.stores)))

    paused = await tags.pause(tag, actor=world.actor)

    assert paused.paused
    assert [one.id for one in await claimed(world, tag)] == [theirs.id]
    lane = await world.stores.jobs.read(
        world.tenant_id, lambda tx: ReasonRepository().lane(tx, job.id)
    )
    told = explain_job(job, lane, None, now=world.clock.now())
    assert ReasonCode.TAG_PAUSED in {reason.code for reason in told.reasons}
    assert told.message.endswith(f"it is next among the jobs with the tag {tag}.")


class SlowFor:
    """The jobs store, which answers one tenant only when the test says so."""

    def __init__(self, world: JobsWorld, tenant_id: TenantId) -> None:
        self._database = world.stores.jobs
        self._tenant_id = tenant_id
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def read(self, tenant_id: TenantId, use_case: Callable[[Tx], T]) -> T:
        if tenant_id == self._tenant_id:
            self.asked.set()
            await self.answers.wait()
        return await self._database.read(tenant_id, use_case)


async def test_a_long_queue_of_one_tenant_holds_up_no_counts_of_others(
    world: JobsWorld, operators: NamedOperators, tag: str
) -> None:
    theirs = world.an_actor(await a_tenant(world.stores))
    await world.a_job(tag=tag, actor=theirs)
    slow = SlowFor(world, world.tenant_id)
    tags = TagService(cast("Database", slow), world.clock, operators, world.signals)
    first = asyncio.create_task(tags.get(tag, actor=world.actor))
    await slow.asked.wait()

    with anyio.fail_after(60):
        found = await tags.get(tag, actor=theirs)

    assert found.queued == 1
    slow.answers.set()
    assert (await first).queued == 0


async def test_a_tag_that_is_resumed_goes_on_and_wakes_the_dispatcher(
    world: JobsWorld, tags: TagService, tag: str
) -> None:
    job = await world.a_job(tag=tag)
    await tags.pause(tag, actor=world.actor)
    told: list[int] = []
    world.signals.on_ready(told.append)

    resumed = await tags.resume(tag, actor=world.actor)

    assert not resumed.paused
    assert len(told) == 1
    assert [one.id for one in await claimed(world, tag)] == [job.id]


async def test_operators_pause_a_tag_for_everybody(
    world: JobsWorld, tags: TagService, operators: NamedOperators, tag: str
) -> None:
    job = await world.a_job(tag=tag)
    with pytest.raises(JobsOperatorNeeded):
        await tags.pause(tag, actor=world.actor, everywhere=True)
    operators.ids.add(world.actor.id)

    await tags.pause(tag, actor=world.actor, everywhere=True)
    none = await claimed(world, tag)
    shown = await states(world, tags)
    lane = await world.stores.jobs.read(
        world.tenant_id, lambda tx: ReasonRepository().lane(tx, job.id)
    )
    await tags.resume(tag, actor=world.actor, everywhere=True)

    assert none == []
    assert shown[tag].paused_everywhere_at is not None
    assert shown[tag].paused_at is None
    assert isinstance(lane, Lane)
    assert lane.paused_at is not None
    assert len(await claimed(world, tag)) == 1


async def test_tags_count_what_waits_and_runs(
    world: JobsWorld, tags: TagService, operators: NamedOperators, tag: str
) -> None:
    first = await world.a_job(tag=tag)
    await claimed(world, tag)
    second = await world.a_job(tag=tag)
    await world.a_job(tag=tag, run_at=world.clock.now() + 60_000_000)
    await world.a_job(tag=tag, actor=world.an_actor(await a_tenant(world.stores)))
    operators.ids.add(world.actor.id)

    mine = (await states(world, tags))[tag]
    everybodys = (await states(world, tags, everywhere=True))[tag]

    assert (mine.running, mine.queued, mine.scheduled) == (1, 1, 1)
    assert mine.oldest_due_at == second.due_at
    assert everybodys.queued == 2
    assert (await world.job(first)).state is JobState.LEASED


async def test_pauses_are_audited_once(world: JobsWorld, tags: TagService, tag: str) -> None:
    for _ in range(2):
        await tags.pause(tag, actor=world.actor)
        await tags.pause(tag, actor=world.actor)
        await tags.resume(tag, actor=world.actor)

    rows = await world.rows(
        "SELECT action FROM audit_outbox WHERE tenant_id = :tenant_id ORDER BY position"
    )
    assert [row[0] for row in rows] == ["jobs.tags.pause", "jobs.tags.resume"] * 2


async def test_a_drained_worker_finishes_and_takes_nothing_more(
    world: JobsWorld, operators: NamedOperators, tag: str
) -> None:
    operators.ids.add(world.actor.id)
    drains = DrainService(world.stores.jobs, operators)
    jobs: JobService = world.jobs
    async with world.dispatching_now() as dispatcher, world.a_worker(tag, tags=(tag,)) as worker:
        session = dispatcher.sessions[tag]
        held = await worker.assignment(await world.a_job(tag=tag))

        drained = await drains.drain(tag, leaves=False, actor=world.actor)
        await until(lambda: session.drained)
        later = await world.a_job(tag=tag)
        async with world.a_worker(f"{tag}-other", tags=(tag,)) as other:
            await other.end(await other.assignment(later))
        await worker.end(held)
        done = await jobs.get(held.job_id, actor=world.actor)
        last = await world.a_job(tag=tag)
        resumed = await drains.resume(tag, actor=world.actor)
        given = await worker.assignment(last)

    now = world.clock.now()
    told = waiting_for([drained], (tag, "sandbox"), Requires(), now=now, lease_seconds=30)
    assert told is not None
    assert "drains" in told
    assert drained.state(now, 30) is WorkerState.DRAINING
    assert resumed.state(now, 30) is WorkerState.CONNECTED
    assert (done.state, done.attempts) == (JobState.SUCCEEDED, 1)
    assert given.attempt == 1


async def test_a_worker_that_shall_leave_hears_so(
    world: JobsWorld, operators: NamedOperators, tag: str
) -> None:
    operators.ids.add(world.actor.id)
    drains = DrainService(world.stores.jobs, operators)
    async with world.dispatching_now():
        async with world.a_worker(tag, tags=(tag,)) as worker:
            await drains.drain(tag, leaves=True, actor=world.actor)
            await worker.news(lambda: Drain() in worker.other)
        async with world.a_worker(tag, tags=(tag,)) as again:
            job = await world.a_job(tag=tag)
            given = await again.assignment(job)

    assert given.job_id == job.id, "the next start takes jobs again"


async def test_a_worker_that_stays_drained_is_so_after_its_restart(
    world: JobsWorld, operators: NamedOperators, tag: str
) -> None:
    operators.ids.add(world.actor.id)
    drains = DrainService(world.stores.jobs, operators)
    async with world.dispatching_now() as dispatcher:
        async with world.a_worker(tag, tags=(tag,)):
            await drains.drain(tag, leaves=False, actor=world.actor)
        async with world.a_worker(tag, tags=(tag,)):
            free = dispatcher.sessions[tag].free

    assert free == 0


async def test_only_operators_drain_workers_and_only_those_known(
    world: JobsWorld, operators: NamedOperators
) -> None:
    drains = DrainService(world.stores.jobs, operators)

    with pytest.raises(JobsOperatorNeeded):
        await drains.drain("nobody", leaves=False, actor=world.actor)
    operators.ids.add(world.actor.id)
    with pytest.raises(WorkerNotFound):
        await drains.drain("nobody", leaves=False, actor=world.actor)

    rows = await world.stores.jobs.read(
        INSTALLATION, lambda tx: tx.all("SELECT id FROM workers WHERE id = 'nobody'")
    )
    assert list(rows) == []

"""Batches and trees of jobs, on both databases."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec import structs

from tests.fixtures.endings import claimed, ended
from tests.fixtures.guarded import an_admin, guarded_folders, queue_by
from tests.fixtures.jobs import DOUBLE, JobsWorld
from tidemill.core.actor import Actor, ActorKind
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.control_errors import BatchRefused, BatchTooLarge
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.trees import service as trees_service
from tidemill.jobs.records.trees.service import TreeService
from tidemill.jobs.steering.batches.models import batch_jobs_max
from tidemill.jobs.steering.batches.service import BatchService

pytestmark = pytest.mark.anyio

INLINE: Final[dict[str, Any]] = {"language": "python", "content": DOUBLE}


@pytest.fixture
def batches(world: JobsWorld) -> BatchService:
    return BatchService(world.stores.jobs, world.jobs)


@pytest.fixture
def trees(world: JobsWorld) -> TreeService:
    return TreeService(world.stores.jobs, world.jobs)


def request(number: object = 1, **fields: Any) -> JobRequest:
    return JobRequest(**INLINE, args={"number": number}, **fields)


async def ids(world: JobsWorld) -> set[str]:
    return {row[0] for row in await world.rows("SELECT id FROM jobs WHERE tenant_id = :tenant_id")}


async def a_child(world: JobsWorld, parent: Job, **fields: Any) -> Job:
    """Start a job with the token of another one."""
    actor = structs.replace(world.actor, kind=ActorKind.JOB, id=parent.id)
    return await world.a_job(actor=actor, **fields)


async def test_a_batch_is_accepted_in_its_order(world: JobsWorld, batches: BatchService) -> None:
    await world.deploy(path="double")
    named = JobRequest(script_path="double", args={"number": 3}, id="same")

    jobs = await batches.create([request(1), named, request(2), named], actor=world.actor)

    assert [job.args for job in jobs] == [f'{{"number":{number}}}' for number in (1, 3, 2, 3)]
    assert jobs[1].id == jobs[3].id
    assert await ids(world) == {job.id for job in jobs}


async def test_a_batch_with_wrong_jobs_is_refused_with_each_place(
    world: JobsWorld, batches: BatchService
) -> None:
    wrong = [request("x"), request(), JobRequest(script_path="nobody"), request(priority=1_000)]

    with pytest.raises(BatchRefused) as refused:
        await batches.create(wrong, actor=world.actor)

    errors = [(one.index, one.code, one.param) for one in refused.value.errors]
    assert errors == [
        (0, "ARGUMENTS_INVALID", "args.number"),
        (2, "SCRIPT_NOT_FOUND", "script_path"),
        (3, "INVALID_JOB_FIELD", "priority"),
    ]
    assert await ids(world) == set()


async def test_a_batch_that_cannot_be_taken_whole_leaves_nothing(
    world: JobsWorld, batches: BatchService
) -> None:
    await world.a_job(id="taken")
    before = await ids(world)

    with pytest.raises(BatchRefused) as refused:
        await batches.create([request(), request(5, id="taken"), request(9)], actor=world.actor)

    assert [(one.index, one.code) for one in refused.value.errors] == [(1, "JOB_ID_TAKEN")]
    assert await ids(world) == before


async def test_a_batch_over_the_quota_leaves_nothing(world: JobsWorld) -> None:
    world.limits = QueueLimits(queued_per_tenant_max=2)
    world.build()
    batches = BatchService(world.stores.jobs, world.jobs)

    with pytest.raises(BatchRefused) as refused:
        await batches.create([request()] * 3, actor=world.actor)

    assert [(one.index, one.code) for one in refused.value.errors] == [(2, "QUEUE_FULL")]
    assert await ids(world) == set()


async def test_a_batch_has_its_limit(world: JobsWorld, batches: BatchService) -> None:
    with pytest.raises(BatchTooLarge):
        await batches.create([request()] * (batch_jobs_max + 1), actor=world.actor)


async def test_a_tree_is_read_from_any_of_its_jobs(world: JobsWorld, trees: TreeService) -> None:
    top = await world.a_job(tag=f"tree-{world.tenant_id}")
    [held] = await claimed(world, f"tree-{world.tenant_id}")
    children = [await a_child(world, top) for _ in range(2)]
    grandchild = await a_child(world, children[0])
    await ended(world, held)
    await world.a_job()

    seen: list[Job] = []
    states: list[dict[str, int] | None] = []
    cursor: str | None = None
    for _ in range(2):
        page = PageRequest(limit=2, after=None if cursor is None else (seen[-1].id,))
        tree, cursor = await trees.page(grandchild.id, page, actor=world.actor)
        seen += tree.jobs
        states.append(tree.states)

    assert tree.root is not None
    assert (tree.root.id, tree.root.state) == (top.id, JobState.SUCCEEDED)
    assert [job.id for job in seen] == [*(child.id for child in children), grandchild.id]
    assert [job.parent_id for job in seen] == [top.id, top.id, children[0].id]
    assert states == [{"queued": 3}, None]
    assert cursor is None


async def test_a_cancel_of_a_tree_ends_what_hangs_below(
    world: JobsWorld, trees: TreeService
) -> None:
    tag = f"tree-{world.tenant_id}"
    top = await world.a_job()
    middle = await a_child(world, top, tag=tag)
    [held] = await claimed(world, tag)
    below = [await a_child(world, middle), await a_child(world, middle)]
    await ended(world, held)
    beside = await a_child(world, top)

    job, cancelled = await trees.cancel(middle.id, actor=world.actor)

    assert (job.state, cancelled) == (JobState.SUCCEEDED, 2)
    assert {(await world.job(one)).state for one in below} == {JobState.CANCELLED}
    assert {(await world.job(one)).state for one in (top, beside)} == {JobState.QUEUED}


async def test_a_tree_counts_only_what_its_reader_may_see(world: JobsWorld) -> None:
    folders, admin = await guarded_folders(world), an_admin(world)
    queue = queue_by(world, folders)
    await world.deploy(path="f/guarded/one", actor=admin)
    top = await world.a_job()
    await a_child(world, top)
    hidden = JobRequest(script_path="f/guarded/one", args={"number": 1}, parent_id=top.id)
    await queue.create(hidden, actor=admin)
    trees = TreeService(world.stores.jobs, queue)

    async def states(actor: Actor) -> dict[str, int] | None:
        return (await trees.page(top.id, PageRequest(limit=5), actor=actor))[0].states

    assert await states(world.actor) == {"queued": 1}
    assert await states(admin) == {"queued": 2}


async def test_a_cancel_of_a_large_tree_reads_it_in_parts(
    world: JobsWorld, trees: TreeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees_service, "nodes_per_look_max", 2)
    top = await world.a_job()
    jobs = [top]
    for number in range(6):
        jobs.append(await a_child(world, jobs[number // 2]))

    _, cancelled = await trees.cancel(top.id, actor=world.actor)

    assert cancelled == 6
    assert await ids(world) == set()


async def test_a_job_that_seems_older_than_its_parent_is_cancelled_with_it(
    world: JobsWorld, trees: TreeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees_service, "nodes_per_look_max", 1)
    top = await world.a_job()
    older, younger = [await a_child(world, top) for _ in range(2)]

    def turn_over(tx: Tx) -> None:
        tx.execute(
            "UPDATE jobs SET parent_id = :parent WHERE tenant_id = :tenant_id AND id = :id",
            parent=younger.id,
            id=older.id,
        )

    await world.stores.jobs.write(world.tenant_id, turn_over)
    _, cancelled = await trees.cancel(top.id, actor=world.actor)

    assert cancelled == 2

"""What jobs have in common is kept once, as long as a job has it."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.protocol.messages import Verdict

pytestmark = pytest.mark.anyio


async def test_jobs_of_one_script_and_actor_share_a_specification(world: JobsWorld) -> None:
    await world.deploy()
    first, *_ = await asyncio.gather(
        *(world.a_job(script_path="double", args={"number": number}) for number in range(5))
    )
    await world.a_job(script_path="double", args={"number": 5}, priority=1)
    await world.a_job(script_path="double", args={"number": 6}, actor=world.an_actor())

    used = await world.rows("SELECT COUNT(*), COUNT(DISTINCT spec_id) FROM jobs")
    kept = await world.rows("SELECT COUNT(*) FROM job_specs")

    assert tuple(used[0]) == (7, 3)
    assert kept[0][0] == 3
    assert (await world.job(first)).script_path == "double"


async def test_an_enqueue_that_is_rolled_back_leaves_no_specification_behind(
    world: JobsWorld,
) -> None:
    request = JobRequest(language="python", content="def main() -> None: ...")
    order = await world.jobs.prepare(request, actor=world.actor)

    def refused(tx: Tx) -> None:
        world.jobs.enqueue_in(tx, order)
        raise LookupError

    with pytest.raises(LookupError):
        await world.stores.jobs.write(world.tenant_id, refused)
    job = await world.stores.jobs.write(
        world.tenant_id, lambda tx: world.jobs.enqueue_in(tx, order)
    )

    assert (await world.job(job)).content == request.content


async def test_a_specification_goes_with_its_last_job(world: JobsWorld) -> None:
    old = await world.a_job(args={}, content=_code("old"))
    await world.jobs.cancel_job(old.id, actor=world.actor)
    waiting = await world.a_job(args={}, content=_code("waiting"))
    world.clock.advance(20 * 86_400)
    late = await world.a_job(args={}, content=_code("late"))
    await world.jobs.cancel_job(late.id, actor=world.actor)
    world.clock.advance(20 * 86_400)
    await world.dispatching.housekeeping.make_days()

    await world.dispatching.housekeeping.prune(days=30)
    await world.dispatching.housekeeping.forget_specs(days=30)

    rows = await world.rows("SELECT content FROM job_specs ORDER BY content")
    assert [row[0] for row in rows] == [_code("late"), _code("waiting")]
    assert (await world.job(waiting)).content == _code("waiting")
    with pytest.raises(JobNotFound):
        await world.job(old)


async def test_an_id_that_is_given_again_stands_for_the_new_specification(
    world: JobsWorld,
) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(args={}, content=_code("old"))
        await worker.end(await worker.assignment(job), Verdict.SUCCEEDED, result=b"1")
    world.clock.advance(40 * 86_400)
    await world.dispatching.housekeeping.make_days()
    await world.dispatching.housekeeping.prune(days=30)
    await world.dispatching.housekeeping.drop_days(world.clock.now(), days=30)
    await world.dispatching.housekeeping.forget_specs(days=30)
    gone = await world.rows("SELECT COUNT(*) FROM job_specs")

    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(args={}, content=_code("new"))
        assignment = await worker.assignment(job)

    assert gone[0][0] == 0
    assert assignment.content == _code("new")


def _code(word: str) -> str:
    return f"def main() -> str:\n    return {word!r}\n"


async def test_what_the_move_to_the_history_keeps(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker() as worker:
        job = await world.a_job(id="mine", work_item_id="item-1", priority=2, tag="default")
        await worker.end(await worker.assignment(job), Verdict.SUCCEEDED, result=b"[1]")

        ended = await world.job(job)

    assert ended.state is JobState.SUCCEEDED
    for field in ("id", "key", "tag", "isolation", "priority", "actor", "content", "args"):
        assert getattr(ended, field) == getattr(job, field), field
    assert (ended.work_item_id, ended.due_at, ended.created_at) == (
        "item-1",
        job.due_at,
        job.created_at,
    )
    assert (ended.worker_id, ended.epoch, ended.result) == ("worker-1", 1, "[1]")

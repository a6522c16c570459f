"""Tags with a strategy of their own, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld, SpokenWorker, make_jobs
from tests.fixtures.run import run_directory
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import Actor
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.dispatching.dispatcher.choosing.repository import ChoosingRepository
from tidemill.jobs.protocol.messages import Assignment, Verdict
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.strategies.models import OrderRule, Strategy, WorkerRule
from tidemill.jobs.queueing.strategies.repository import StrategyRepository
from tidemill.jobs.queueing.strategies.service import Door, StrategyService
from tidemill.jobs.requirements.models import Requires
from tidemill.jobs.strategy_errors import (
    IsolationNotOffered,
    NoWorkerCouldRun,
    RequirementWithoutEffect,
    StrategyInUse,
    StrategyOperatorNeeded,
    UnknownTag,
)

pytestmark = pytest.mark.anyio

GPU = Requires(cpu=2, labels=("gpu",))


class Everybody:
    """Everybody is an operator, or nobody is."""

    def __init__(self, *, are: bool = True) -> None:
        self.are = are

    async def is_operator(self, actor: Actor) -> bool:
        return self.are

    async def tenant_id(self) -> TenantId | None:
        return None


async def place(world: JobsWorld, workers: WorkerRule, **fields: Any) -> None:
    """Give the tag `default` a strategy."""
    weights = fields.pop("weights", {})
    strategy = Strategy(tag="default", workers=workers, **fields)

    def use_case(tx: Tx) -> None:
        StrategyRepository().put(tx, strategy, updated_by="tests")
        StrategyRepository().weigh(tx, "default", weights)

    await world.stores.jobs.write(INSTALLATION, use_case)


async def holder(job: Job, *workers: SpokenWorker) -> str:
    """Return the worker that was given a job, once one was."""
    given = await _taker(workers, job)
    return given.hello.worker_id


async def _taker(workers: Sequence[SpokenWorker], job: Job) -> SpokenWorker:
    news = [asyncio.create_task(worker.assignment(job)) for worker in workers]
    done, rest = await asyncio.wait(news, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    return workers[news.index(done.pop())]


async def test_resource_aware_gives_a_job_to_the_worker_with_what_it_needs(
    world: JobsWorld,
) -> None:
    await place(world, WorkerRule.RESOURCE_AWARE)
    async with (
        world.dispatching_now(),
        world.a_worker("plain", cpu=8) as plain,
        world.a_worker("gpu", cpu=4, labels=("gpu",)) as gpu,
    ):
        jobs = [await world.a_job(requires=GPU) for _ in range(2)]
        easy = await world.a_job(requires=Requires(cpu=1))

        assert [await holder(job, plain, gpu) for job in jobs] == ["gpu", "gpu"]
        assert await holder(easy, plain, gpu) == "plain"


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_resource_aware_never_gives_more_than_a_machine_has(world: JobsWorld) -> None:
    await place(world, WorkerRule.RESOURCE_AWARE)
    async with world.dispatching_now(), world.a_worker("one", cpu=3, memory_mib=100) as worker:
        first = await world.a_job(requires=Requires(cpu=2))
        second = await world.a_job(requires=Requires(cpu=2))
        small = await world.a_job(requires=Requires(cpu=1, memory_mib=100))
        await worker.assignment(first)
        await worker.assignment(small)

        assert (await world.job(second)).state is JobState.QUEUED

        await worker.end(worker.assigned[first.id])
        assert (await worker.assignment(second)).job_id == second.id


async def test_a_strategy_holds_for_the_first_job_that_needs_it(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker("one", cpu=1) as worker:
        await worker.assignment(await world.a_job())  # Strategies were read just now.
        await place(world, WorkerRule.RESOURCE_AWARE)
        jobs = [await world.a_job(requires=Requires(cpu=1)) for _ in range(3)]
        await worker.news(lambda: len(worker.assigned) == 2)
        beat = await world.a_job()
        await worker.assignment(beat)

        assert len([job for job in jobs if job.id in worker.assigned]) == 1


async def test_affinity_gives_jobs_of_a_key_to_one_worker(world: JobsWorld) -> None:
    await place(world, WorkerRule.AFFINITY)
    async with (
        world.dispatching_now(),
        world.a_worker("a") as a,
        world.a_worker("b") as b,
        world.a_worker("c") as c,
    ):
        jobs = [await world.a_job(affinity_key="customer-1") for _ in range(4)]
        holders = {await holder(job, a, b, c) for job in jobs}

        assert len(holders) == 1


async def test_a_key_that_waits_for_its_worker_is_passed_over_for_its_tenant_alone(
    world: JobsWorld,
) -> None:
    other = world.an_actor(await a_tenant(world.stores))
    await world.a_job(affinity_key="customer-1")
    theirs = await world.a_job(affinity_key="customer-1", actor=other)

    def look(tx: Tx) -> list[str]:
        rows = ChoosingRepository().candidates(
            tx,
            ("default", "sandbox"),
            [world.tenant_id, other.tenant_id],
            ((), [(world.tenant_id, "customer-1")]),
            (5, 5),
        )
        return [row[1] for row in rows]

    assert await world.stores.jobs.read(INSTALLATION, look) == [theirs.id]


async def test_round_robin_gives_each_worker_its_turn(world: JobsWorld) -> None:
    await place(world, WorkerRule.ROUND_ROBIN)
    async with (
        world.dispatching_now(),
        world.a_worker("a", slots=20) as a,
        world.a_worker("b", slots=20) as b,
    ):
        first = await holder(await world.a_job(), a, b)
        holders = [await holder(await world.a_job(), a, b) for _ in range(4)]

    other = "b" if first == "a" else "a"
    assert holders == [other, first, other, first]


async def test_priority_fifo_looks_at_no_tenant(world: JobsWorld) -> None:
    await place(world, WorkerRule.FIRST_FREE, order=OrderRule.PRIORITY_FIFO)
    other = world.an_actor(await a_tenant(world.stores))
    low = [await world.a_job(priority=-1) for _ in range(2)]
    high = [await world.a_job(priority=5, actor=other) for _ in range(2)]
    order: list[str] = []
    async with world.dispatching_now(), world.a_worker("one", slots=1) as worker:
        for _ in range(4):
            given: Assignment = await worker.assignment()
            order.append(given.job_id)
            await worker.end(given, Verdict.SUCCEEDED)

    assert order == [job.id for job in (*high, *low)]


async def test_tags_without_a_strategy_still_run_beside_others(world: JobsWorld) -> None:
    await place(world, WorkerRule.LEAST_LOADED)
    async with world.dispatching_now(), world.a_worker(tags=("default", "plain")) as worker:
        chosen, plain = await world.a_job(), await world.a_job(tag="plain")

        assert {(await worker.assignment(job)).job_id for job in (chosen, plain)} == {
            chosen.id,
            plain.id,
        }


async def test_jobs_that_fit_nowhere_hold_up_no_others(world: JobsWorld) -> None:
    await place(world, WorkerRule.RESOURCE_AWARE)
    for _ in range(12):
        await world.a_job(requires=GPU)
    easy = await world.a_job()
    async with world.dispatching_now(), world.a_worker("one", cpu=8, slots=2) as worker:
        assert (await worker.assignment(easy)).job_id == easy.id


async def test_paused_tags_give_out_nothing(world: JobsWorld) -> None:
    await place(world, WorkerRule.LEAST_LOADED, weights={world.tenant_id: 2})

    def pause(tx: Tx) -> None:
        tx.execute("UPDATE ready_lanes SET paused_at = :now WHERE tag = 'default'")

    await world.stores.jobs.write(INSTALLATION, pause)
    held = await world.a_job()
    free = await world.a_job(tag="plain")
    async with world.dispatching_now(), world.a_worker(tags=("default", "plain")) as worker:
        await worker.end(await worker.assignment(free))

        assert (await world.job(held)).state is JobState.QUEUED


async def test_service_refuses_to_ignore_what_jobs_wait_for(world: JobsWorld) -> None:
    service = StrategyService(world.stores.jobs, Everybody())
    actor = world.actor
    await service.put(Strategy(tag="default", workers=WorkerRule.AFFINITY), {}, actor=actor)
    await world.a_job(affinity_key="customer-1")

    with pytest.raises(StrategyInUse):
        await service.put(Strategy(tag="default", workers=WorkerRule.ROUND_ROBIN), {}, actor=actor)
    with pytest.raises(StrategyInUse):
        await service.remove("default", actor=actor)


async def test_service_shows_others_their_own_weight_only(world: JobsWorld) -> None:
    operators = Everybody()
    service = StrategyService(world.stores.jobs, operators)
    weights = {world.tenant_id: 3, "019c0000-0000-7000-8000-000000000000": 9}
    await service.put(Strategy(tag="default"), weights, actor=world.actor)

    operators.are = False
    told = await service.get("default", actor=world.actor)

    assert (told.own, dict(told.weights)) == (True, {world.tenant_id: 3})
    with pytest.raises(StrategyOperatorNeeded):
        await service.put(Strategy(tag="default"), {}, actor=world.actor)


async def test_door_knows_tags_that_workers_have_announced(world: JobsWorld) -> None:
    door = Door(world.stores.jobs, world.clock, ["default"])
    await door.check("default")
    with pytest.raises(UnknownTag, match="Did you mean default"):
        await door.check("defualt")

    async with world.dispatching_now(), world.a_worker(tags=("gpu",)):
        world.clock.advance(1)

        await door.check("gpu")


async def test_door_refuses_an_isolation_that_no_worker_of_the_tag_offers(
    world: JobsWorld,
) -> None:
    door = Door(world.stores.jobs, world.clock, ["default"])
    async with world.dispatching_now(), world.a_worker(tags=("node",), isolations=("fork",)):
        world.clock.advance(1)

        await door.check_isolation("node", "fork")
        await door.check_isolation("default", "elsewhere")
        await door.check_isolation("unheard", "elsewhere")
        with pytest.raises(IsolationNotOffered, match="only fork"):
            await door.check_isolation("node", "elsewhere")

        jobs = JobService(
            world.stores.jobs,
            world.clock,
            world.limits,
            scripts=world.scripts,
            workers=world.workers,
            signals=world.signals,
            links=lambda: None,
            door=door,
        )
        request = JobRequest(language="bash", content="true", tag="node", isolation="sandbox")
        with pytest.raises(IsolationNotOffered):
            await jobs.create(request, actor=world.actor)


async def test_door_refuses_what_no_worker_could_give(world: JobsWorld) -> None:
    async with world.dispatching_now(), world.a_worker("small", cpu=2):
        door = Door(world.stores.jobs, world.clock, ["default"])
        with pytest.raises(RequirementWithoutEffect):
            await door.check("default", GPU)
        await place(world, WorkerRule.RESOURCE_AWARE)
        door = Door(world.stores.jobs, world.clock, ["default"])

        await door.check("default", Requires(cpu=2))
        with pytest.raises(NoWorkerCouldRun, match="2 cpu"):
            await door.check("default", GPU)
        with pytest.raises(RequirementWithoutEffect, match="affinity"):
            await door.check("default", None, "customer-1")


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_two_dispatchers_give_each_job_out_once_and_agree_on_affinity(
    tmp_path: Path,
) -> None:
    async with make_jobs("schema", tmp_path) as world:
        await place(world, WorkerRule.AFFINITY, affinity_wait_seconds=600)
        async with world.dispatching_now(), world.a_worker("one", slots=50) as one:
            first = world.dispatching, world.signals
            world.options = structs.replace(
                world.options, directory=run_directory() / "other", holder="other"
            )
            world.build()
            async with world.dispatching_now(), world.a_worker("two", slots=50) as two:
                world.clock.advance(2)  # Then both look again at who is there.
                async with asyncio.timeout(60):
                    for dispatching, signals in (first, (world.dispatching, world.signals)):
                        while len(dispatching.choosing._known.workers) < 2:
                            signals.ready(0)
                            await asyncio.sleep(0.02)  # A look may be under way.
                jobs = [
                    await world.a_job(affinity_key=f"customer-{number % 8}") for number in range(40)
                ]
                async with asyncio.timeout(60):
                    while len(one.assigned) + len(two.assigned) < len(jobs):
                        world.signals.ready(0)
                        await asyncio.sleep(0.02)  # Either may get the last one.

    homes: dict[str, set[str]] = {}
    for worker in (one, two):
        for job in jobs:
            if job.id in worker.assigned:
                homes.setdefault(job.affinity_key or "", set()).add(worker.hello.worker_id)
    assert not set(one.assigned) & set(two.assigned)
    assert len(homes) == 8
    assert all(len(workers) == 1 for workers in homes.values()), "both find the same worker"

"""Workers whose token names tenants get the jobs of those, whoever else waits."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.guarded import an_admin, guarded_folders, queue_by
from tests.fixtures.jobs import JobsWorld, SpokenWorker
from tests.fixtures.stores import a_tenant
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.pages import PageRequest
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ring
from tidemill.jobs.errors import FunctionNotFound
from tidemill.jobs.protocol.messages import Assignment, Held, RegisteredFunction, Token, TokenWanted
from tidemill.jobs.queueing.workers.models import Registration

pytestmark = pytest.mark.anyio


async def _claimed(world: JobsWorld, tenants: tuple[str, ...] | None, **fields: Any) -> list[str]:
    demand = Demand(
        **{
            "worker_id": "w",
            "generation": 1,
            "slots": 10,
            "tags": ("default",),
            "isolations": ("sandbox", "fork"),
            "tenants": tenants,
            **fields,
        }
    )
    turn = await world.dispatching.turn([], [demand], Ring(), leads=False)
    return [job.tenant_id for job in turn.claimed["w"]]


async def _other(world: JobsWorld) -> TenantId:
    return await a_tenant(world.stores)


async def test_claim_gives_a_worker_of_one_tenant_no_job_of_another(world: JobsWorld) -> None:
    other = await _other(world)
    await world.a_job()
    await world.a_job(actor=world.an_actor(other))

    assert await _claimed(world, (other,)) == [other]
    assert await _claimed(world, (other,)) == []
    assert await _claimed(world, None) == [world.tenant_id]


async def test_register_takes_from_a_worker_the_jobs_of_tenants_that_are_not_its_own_any_more(
    world: JobsWorld,
) -> None:
    other = await _other(world)
    theirs = await world.a_job(actor=world.an_actor(other))
    ours = await world.a_job()
    worker = Registration(
        id="w", host="here", slots=10, tags=("default",), isolations=("sandbox", "fork")
    )
    await world.dispatching.register(worker, {})
    await _claimed(world, None)

    holding = {theirs.id: 1, ours.id: 1}
    registered = await world.dispatching.register(worker, holding, tenants=(other,))

    assert [job.id for job in registered.kept] == [theirs.id]
    assert [job.id for job in registered.rescued] == [ours.id]


async def test_claim_gives_a_worker_of_some_tenants_each_its_share(world: JobsWorld) -> None:
    other = await _other(world)
    for _ in range(3):
        await world.a_job()
        await world.a_job(actor=world.an_actor(other))

    claimed = await _claimed(world, (world.tenant_id, other), slots=4)

    assert sorted(claimed.count(tenant) for tenant in (world.tenant_id, other)) == [2, 2]


async def test_claim_serves_workers_of_one_and_of_all_tenants_in_one_turn(world: JobsWorld) -> None:
    other = await _other(world)
    await world.a_job()
    await world.a_job(actor=world.an_actor(other))
    both = [
        Demand(
            worker_id=name,
            generation=1,
            slots=1,
            tags=("default",),
            isolations=("sandbox",),
            tenants=tenants,
        )
        for name, tenants in (("theirs", (other,)), ("any", None))
    ]

    turn = await world.dispatching.turn([], both, Ring(), leads=False)

    assert [job.tenant_id for job in turn.claimed["theirs"]] == [other]
    assert [job.tenant_id for job in turn.claimed["any"]] == [world.tenant_id]


async def test_a_worker_of_some_tags_leaves_functions_of_others_as_they_are(
    world: JobsWorld,
) -> None:
    functions = FunctionService(world.stores.jobs)
    billing = RegisteredFunction(name="billing:charge", schema="{}")
    ours = RegisteredFunction(name="gpu:paint", schema="{}", tag="gpu")
    await functions.keep([billing, ours])

    stolen = structs.replace(billing, tag="gpu", attempts_max=1)
    changed = structs.replace(ours, attempts_max=3)
    added = RegisteredFunction(name="gpu:draw", schema="{}", tag="gpu")
    await functions.keep([stolen, changed, added], tags=("gpu",))

    kept = {one.name: one for one in (await functions.list(PageRequest(limit=10))).items}
    assert kept["billing:charge"] == billing
    assert kept["gpu:paint"] == changed
    assert kept["gpu:draw"] == added


async def test_an_unknown_function_proposes_none_of_a_folder_that_is_closed(
    world: JobsWorld,
) -> None:
    functions = FunctionService(world.stores.jobs)
    await functions.keep([RegisteredFunction(name="guarded.tasks:paint", schema="{}")])
    folders = await guarded_folders(world)
    queue = queue_by(world, folders, functions=functions)
    request = JobRequest(function="gaurded.tasks:paint")

    told = []
    for actor in (world.an_actor(), an_admin(world)):
        with pytest.raises(FunctionNotFound) as refused:
            await queue.enqueue(request, actor=actor)
        told.append("guarded.tasks:paint" in refused.value.message)

    assert told == [False, True]


async def test_a_job_that_asks_for_its_token_late_has_the_rights_that_it_began_with(
    world: JobsWorld,
) -> None:
    """The rights of who started it may have ended since, as they may for jobs with a token."""
    tokens = world.job_tokens = _Tokens()
    async with world.dispatching_now():
        job = await world.a_job()
        async with world.a_worker("one") as one:
            found = await one.assignment(job)
            await one.start(found)
            await world.until_state(job, JobState.RUNNING)
            began = world.clock.now()
            world.clock.advance(20)
            await _ask(one, found)
        async with world.a_worker("one", holding=(Held(found.job_id, found.epoch),)) as one:
            await _ask(one, found)

    at_once, late, after_a_new_connection = tokens.began
    assert at_once is None
    assert late is not None
    assert late <= began
    assert after_a_new_connection == 1_000_000, "what the books say of its start"


class _Tokens:
    def __init__(self) -> None:
        self.began: list[Instant | None] = []

    def issue_job_token(self, *_: object, began_at: Instant | None, **__: object) -> str:
        self.began.append(began_at)
        return "token"


async def _ask(worker: SpokenWorker, found: Assignment) -> None:
    await worker.connection.send(TokenWanted(job_id=found.job_id, epoch=found.epoch))
    await worker.news(lambda: any(isinstance(one, Token) for one in worker.other))

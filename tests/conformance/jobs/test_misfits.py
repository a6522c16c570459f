"""Jobs go to workers that registered their function, and are in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from structlog.testing import capture_logs

from tests.fixtures.jobs import JobsWorld
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Tx
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.dispatching.dispatcher import misfits
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ring, Turn
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.protocol.messages import RegisteredFunction
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.strategies.models import Strategy, WorkerRule
from tidemill.jobs.queueing.strategies.repository import StrategyRepository
from tidemill.jobs.queueing.workers.models import Registration

pytestmark = pytest.mark.anyio

CHARGE, SLOW, GONE = "shop.tasks:charge", "shop.slowt:slow", "shop.old:gone"


async def _queue(world: JobsWorld) -> JobService:
    functions = FunctionService(world.stores.jobs)
    await functions.keep([RegisteredFunction(name=n, schema="{}") for n in (CHARGE, SLOW, GONE)])
    return JobService(
        world.stores.jobs,
        world.clock,
        world.limits,
        scripts=world.scripts,
        workers=world.workers,
        signals=world.signals,
        links=lambda: world.links,
        functions=functions,
    )


async def _enqueue(world: JobsWorld, queue: JobService, *names: str) -> list[Job]:
    requests = [JobRequest(function=name) for name in names]
    return [await queue.create(request, actor=world.actor) for request in requests]


def _demand(*functions: str, worker: str = "w", slots: int = 10) -> Demand:
    return Demand(
        worker_id=worker,
        generation=1,
        slots=slots,
        tags=("default",),
        isolations=("sandbox", "function:shop"),
        functions=frozenset(functions),
    )


async def _turn(dispatching: Dispatching, *demands: Demand) -> Turn:
    return await dispatching.turn([], demands, Ring(), leads=False)


def _functions(turn: Turn, worker: str = "w") -> list[str | None]:
    return [job.function for job in turn.claimed[worker]]


async def _states(world: JobsWorld, jobs: Collection[Job]) -> set[tuple[JobState, int]]:
    found = [await world.job(job) for job in jobs]
    return {(job.state, job.attempts) for job in found}


@pytest.mark.each_database(reason="claims lock rows")
async def test_a_job_that_can_run_passes_those_of_a_function_that_the_worker_has_not(
    world: JobsWorld,
) -> None:
    queue = await _queue(world)
    gone = await _enqueue(world, queue, *[GONE] * 30)
    await _enqueue(world, queue, CHARGE, CHARGE)

    with capture_logs() as logs:
        first = await _turn(world.dispatching, _demand(CHARGE))
        second = await _turn(world.dispatching, _demand(CHARGE))
        third = await _turn(world.dispatching, _demand(CHARGE))

    assert first.again
    assert [_functions(turn) for turn in (first, second, third)] == [[], [CHARGE, CHARGE], []]
    assert await _states(world, gone) == {(JobState.QUEUED, 0)}
    assert [log["function"] for log in logs if log["log_level"] == "warning"] == [GONE]


@pytest.mark.each_database(reason="statements differ")
async def test_a_job_of_a_function_that_no_connected_worker_has_says_so(world: JobsWorld) -> None:
    queue = await _queue(world)
    gone, charge = await _enqueue(world, queue, GONE, CHARGE)

    async def register(*functions: str, worker: str = "w") -> None:
        registration = Registration(
            id=worker,
            host="here",
            slots=1,
            tags=("default",),
            isolations=("function:shop",),
            functions=functions,
        )
        await world.dispatching.register(registration, {})

    await register(CHARGE)
    told = await queue.waiting_for(gone)
    served = await queue.waiting_for(charge)
    await register(GONE, CHARGE, worker="newer")

    assert told is not None
    assert f"has registered {GONE}, though others of its package" in told
    assert served is None
    assert await queue.waiting_for(gone) is None


@pytest.mark.each_database(reason="claims lock rows")
async def test_workers_of_one_package_get_the_jobs_of_their_own_functions(
    world: JobsWorld,
) -> None:
    queue = await _queue(world)
    other = Dispatching(world.stores.jobs, world.policy, lambda: 0.5, signals=world.signals)
    demands = [_demand(CHARGE, worker="tasks"), _demand(SLOW, worker="slowt")]
    got: dict[str, list[str | None]] = {"tasks": [], "slowt": []}
    await _enqueue(world, queue, *[CHARGE, SLOW] * 10)

    for _ in range(10):
        turns = await asyncio.gather(
            *(
                _turn(dispatching, demand)
                for dispatching, demand in zip((world.dispatching, other), demands, strict=True)
            )
        )
        for turn, demand in zip(turns, demands, strict=True):
            got[demand.worker_id] += _functions(turn, demand.worker_id)

    assert got == {"tasks": [CHARGE] * 10, "slowt": [SLOW] * 10}


async def test_one_dispatcher_hands_jobs_over_between_its_workers(world: JobsWorld) -> None:
    queue = await _queue(world)
    demands = [_demand(CHARGE, worker="old", slots=2), _demand(CHARGE, SLOW, worker="new", slots=2)]
    await _enqueue(world, queue, SLOW, SLOW, CHARGE, CHARGE)

    turns = [await _turn(world.dispatching, *demands) for _ in range(3)]

    got = [name for turn in turns for name in _functions(turn, "new")]
    assert got.count(SLOW) == 2
    assert got.count(CHARGE) + sum(len(turn.claimed["old"]) for turn in turns) == 2


async def test_a_worker_that_comes_back_with_the_function_gets_its_jobs(world: JobsWorld) -> None:
    queue = await _queue(world)
    await _enqueue(world, queue, GONE)
    await _turn(world.dispatching, _demand(CHARGE))

    assert _functions(await _turn(world.dispatching, _demand(CHARGE))) == []
    assert _functions(await _turn(world.dispatching, _demand(CHARGE, GONE))) == [GONE]


async def test_claims_try_again_after_a_while_whether_they_pass_anything_by(
    world: JobsWorld,
) -> None:
    queue = await _queue(world)
    await _enqueue(world, queue, GONE)
    found = [(await _turn(world.dispatching, _demand(CHARGE))).again for _ in range(3)]
    world.clock.advance(misfits.remembered_seconds + 1)

    assert found == [True, False, False]
    assert (await _turn(world.dispatching, _demand(CHARGE))).again


async def test_jobs_of_more_functions_than_are_remembered_wait_and_let_others_run(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misfits, "passed_by_max", 1)
    queue = await _queue(world)
    gone = await _enqueue(world, queue, GONE, SLOW)
    await _enqueue(world, queue, CHARGE)

    turn = await _turn(world.dispatching, _demand(CHARGE))

    assert (_functions(turn), turn.again) == ([CHARGE], False)
    assert await _states(world, gone) == {(JobState.SCHEDULED, 0)}


async def test_a_strategy_gives_jobs_to_workers_that_have_the_function(world: JobsWorld) -> None:
    queue = await _queue(world)

    def use_case(tx: Tx) -> None:
        strategy = Strategy(tag="default", workers=WorkerRule.LEAST_LOADED)
        StrategyRepository().put(tx, strategy, updated_by="tests")

    await world.stores.jobs.write(INSTALLATION, use_case)
    await _enqueue(world, queue, *[GONE] * 20, CHARGE)
    async with world.dispatching_now(), world.a_worker(functions=_registered(CHARGE)) as worker:
        job = (await _enqueue(world, queue, CHARGE))[0]
        assert (await worker.assignment(job)).content == CHARGE


def _registered(*names: str) -> tuple[RegisteredFunction, ...]:
    return tuple(RegisteredFunction(name=name, schema="{}") for name in names)

"""What nobody has thought of ends neither a worker's way to its dispatcher nor a job unheard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.jobs.worker.dispatcher import Dispatcher, job
from tidemill.jobs.code.functions.deadlines import Deadlines
from tidemill.jobs.code.functions.execution import FunctionExecution, Surface
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.code.functions.threads import Threads
from tidemill.jobs.code.functions.turns import Turns
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.service import Worker
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import Assignment, Held, Isolation, Verdict
from tidemill.jobs.protocol.unix import connect, read_secret

pytestmark = pytest.mark.anyio


class _Breaking(FunctionExecution):
    def begin_served(self, *_: object) -> None:
        raise RuntimeError(self.held.job_id)


class _BreakingFunctions(Functions):
    def call(self, assignment: Assignment) -> FunctionExecution:
        return _Breaking(assignment, None, Surface(Threads(1), Turns(), Deadlines()))


@asynccontextmanager
async def _a_worker(
    dispatcher: Dispatcher,
    directory: Path,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
    functions: Functions | None = None,
) -> AsyncIterator[None]:
    async def to_dispatcher() -> tuple[WorkerConnection, str]:
        if before is not None:
            await before()
        return await connect(dispatcher.directory), read_secret(dispatcher.directory)

    options = WorkerOptions(
        worker_id="w",
        socket_directory=dispatcher.directory,
        run_directory=directory,
        slots=1,
        reconnect_seconds_min=0.01,
    )
    worker = Worker(options, to_dispatcher, isolations=(), functions=functions)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_worker_integration_tries_again_after_a_way_to_its_dispatcher_that_broke(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    tries: list[None] = []

    async def break_once() -> None:
        tries.append(None)
        if len(tries) == 1:
            raise RuntimeError("a way that broke")

    async with _a_worker(dispatcher, tmp_path, before=break_once):
        await dispatcher.until(lambda: bool(dispatcher.beats))

    assert len(tries) == 2


async def test_worker_integration_ends_a_job_whose_execution_broke(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    async with _a_worker(dispatcher, tmp_path, functions=_BreakingFunctions({}, threads_max=1)):
        await dispatcher.assign(job("broken", "", isolation=Isolation.FUNCTION))
        outcome = await dispatcher.outcome("broken")
        held = await _held_after_reconnection(dispatcher)

    assert (outcome.verdict, (outcome.error or {})["type"]) == (Verdict.FAILED, "WorkerBroke")
    assert held == ()


async def _held_after_reconnection(dispatcher: Dispatcher) -> tuple[Held, ...]:
    greeted = len(dispatcher.hellos)
    await dispatcher.stop()
    await dispatcher.start()
    await dispatcher.until(lambda: len(dispatcher.hellos) > greeted)
    return dispatcher.hellos[-1].holding


async def test_worker_integration_ends_a_job_whose_traceparent_has_another_form(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    async with _a_worker(dispatcher, tmp_path):
        outcomes = [
            await dispatcher.run(job(f"job-{number}", "x", traceparent=traceparent))
            for number, traceparent in enumerate(("", "00-ab"))
        ]

    assert [(outcome.error or {})["type"] for outcome in outcomes] == ["IsolationNotOffered"] * 2

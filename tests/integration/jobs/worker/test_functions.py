"""The worker of functions and its dispatcher lose each other, and lose nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.worker.dispatcher import Dispatcher, eventually, job, succeeded
from tidemill.jobs.code.functions import execution
from tidemill.jobs.code.functions.models import FunctionOptions
from tidemill.jobs.code.functions.registry import Declared
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.code.functions.worker import FunctionWorker
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Assignment, Drain, Held, Isolation, Verdict
from tidemill.jobs.protocol.receiving import Windows
from tidemill.jobs.protocol.unix import connect, read_secret

pytestmark = pytest.mark.anyio


class Gates:
    """Functions of a test, and what they wait for."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.release = threading.Event()
        self.entered: list[str] = []

    async def wait(self, name: str) -> str:
        self.entered.append(name)
        print(name, "waits")
        await self.open.wait()
        return name

    def block(self, name: str) -> str:
        self.entered.append(name)
        self.release.wait()
        return name

    async def never_mind(self, name: str) -> str:
        self.entered.append(name)
        while not self.open.is_set():
            try:
                await self.open.wait()
            except asyncio.CancelledError:
                continue
        return name


@pytest.fixture
def gates() -> Gates:
    return Gates()


def call(job_id: str, name: str, **fields: Any) -> Assignment:
    defaults = {"isolation": Isolation.FUNCTION, "language": "function"}
    return job(job_id, f"shop:{name}", arguments={"name": job_id}, **(defaults | fields))


@asynccontextmanager
async def a_worker(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path, *, threads_max: int = 2
) -> AsyncIterator[FunctionWorker]:
    declared = {
        f"shop:{function.__name__}": Declared(
            function, f"shop:{function.__name__}", FunctionOptions()
        )
        for function in (gates.wait, gates.block, gates.never_mind)
    }

    async def to_dispatcher() -> tuple[WorkerConnection, str]:
        while True:
            try:
                return await connect(dispatcher.directory), read_secret(dispatcher.directory)
            except ConnectionLost:
                await asyncio.sleep(0.01)

    options = WorkerOptions(
        worker_id="w", socket_directory=tmp_path, run_directory=tmp_path, slots=20
    )
    functions = Functions(declared, threads_max=threads_max)
    worker = FunctionWorker(options, to_dispatcher, functions)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        gates.open.set()
        gates.release.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_function_worker_integration_keeps_jobs_while_the_dispatcher_is_away(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    names = [f"job-{number}" for number in range(20)]
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.assign(*(call(name, "wait") for name in names))
        await dispatcher.until(lambda: all(b"waits" in dispatcher.logs[name] for name in names))
        await dispatcher.stop()
        gates.open.set()
        await dispatcher.start()
        outcomes = [await dispatcher.outcome(name) for name in names]

    assert [succeeded(outcome) for outcome in outcomes] == names
    assert sorted(gates.entered) == sorted(names)
    assert {len(told) for told in dispatcher.outcomes.values()} == {1}


async def test_function_worker_integration_repeats_outcomes_until_they_are_taken(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    gates.open.set()
    dispatcher.acknowledges = False
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.run(call("j", "wait"))
        await dispatcher.stop()
        dispatcher.acknowledges = True
        await dispatcher.start()
        await dispatcher.until(lambda: len(dispatcher.outcomes["j"]) == 2)

    assert dispatcher.hellos[-1].unacknowledged == (Held("j", 1),)
    assert gates.entered == ["j"]


async def test_function_worker_integration_tells_what_ends_while_it_repeats_outcomes(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    dispatcher.acknowledges = False
    gates.open.set()
    async with a_worker(dispatcher, gates, tmp_path) as worker:
        await dispatcher.assign(call("later", "block"))
        await dispatcher.run(call("first", "wait"))
        await dispatcher.stop()
        dispatcher.acknowledges = True
        await dispatcher.start(windows=Windows(outcomes=0))
        connection = await dispatcher.connected(2)
        gates.release.set()
        await eventually(lambda: Held("later", 1) in worker._untaken)
        connection.widen()

        assert succeeded(await dispatcher.outcome("later")) == "later"
        assert len(dispatcher.hellos) == 2


async def test_function_worker_integration_ends_what_it_may_not_keep(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.assign(call("kept", "wait"), call("dropped", "wait"))
        await dispatcher.until(lambda: len(dispatcher.started) == 2)
        dispatcher.keeps = lambda _: (Held("kept", 1),)
        await dispatcher.stop()
        await dispatcher.start()

        assert (await dispatcher.outcome("dropped")).verdict is Verdict.LOST
        assert set(dispatcher.hellos[-1].holding) == {Held("kept", 1), Held("dropped", 1)}
        gates.open.set()
        assert succeeded(await dispatcher.outcome("kept")) == "kept"


async def test_function_worker_integration_begins_what_it_has_ahead_when_a_slot_is_free(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    names = [f"job-{number}" for number in range(24)]
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.assign(*(call(name, "wait") for name in names))
        await eventually(lambda: len(gates.entered) == 20)
        await dispatcher.cancel(names[20])
        cancelled = await dispatcher.outcome(names[20])
        begun = list(gates.entered)
        gates.open.set()
        outcomes = [await dispatcher.outcome(name) for name in names if name != names[20]]

    assert begun == names[:20]
    assert cancelled.verdict is Verdict.CANCELLED
    assert {outcome.verdict for outcome in outcomes} == {Verdict.SUCCEEDED}
    assert sorted(gates.entered) == sorted(set(names) - {names[20]})


async def test_function_worker_integration_a_blocked_thread_stays_taken(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "grace_seconds", 0.01)
    async with a_worker(dispatcher, gates, tmp_path, threads_max=1):
        blocked = await dispatcher.run(call("blocked", "block", timeout_seconds=1.0))
        await dispatcher.assign(call("second", "block"), call("third", "block"))
        await dispatcher.cancel("third")
        third = await dispatcher.outcome("third")

        assert blocked.verdict is Verdict.TIMED_OUT
        assert third.verdict is Verdict.CANCELLED
        assert gates.entered == ["blocked"]
        gates.release.set()
        assert succeeded(await dispatcher.outcome("second")) == "second"
        assert gates.entered == ["blocked", "second"]


async def test_function_worker_integration_gives_back_what_it_has_no_thread_for(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "no_thread_seconds", 0.01)
    gates.release.set()

    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async with a_worker(dispatcher, gates, tmp_path, threads_max=1):
        with monkeypatch.context() as patch:
            patch.setattr(ThreadPoolExecutor, "_adjust_thread_count", none_left)
            names = [f"job-{number}" for number in range(3)]
            await dispatcher.assign(*(call(name, "block") for name in names))
            given_back = [await dispatcher.outcome(name) for name in names]
        after = await dispatcher.run(call("after", "block"))

    assert [outcome.verdict for outcome in given_back] == [Verdict.LOST] * 3
    assert succeeded(after) == "after"
    assert gates.entered == ["after"]


async def test_function_worker_integration_goes_on_without_a_function_that_does_not_end(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.assign(call("stubborn", "never_mind"))
        await dispatcher.until(lambda: "stubborn" in dispatcher.started)
        await dispatcher.cancel("stubborn", grace_seconds=0.01)

        assert (await dispatcher.outcome("stubborn")).verdict is Verdict.CANCELLED


async def test_function_worker_integration_drains_when_it_is_told_to(
    dispatcher: Dispatcher, gates: Gates, tmp_path: Path
) -> None:
    async with a_worker(dispatcher, gates, tmp_path):
        await dispatcher.assign(call("last", "wait"))
        await dispatcher.until(lambda: "last" in dispatcher.started)
        await dispatcher.say(Drain())
        await dispatcher.until(lambda: dispatcher.draining)
        await dispatcher.assign(call("late", "wait"))

        assert (await dispatcher.outcome("late")).verdict is Verdict.LOST
        gates.open.set()
        assert succeeded(await dispatcher.outcome("last")) == "last"
        assert gates.entered == ["last"]

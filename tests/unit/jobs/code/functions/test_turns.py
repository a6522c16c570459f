"""Calls that never wait share a task; one that waits has its own."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

import pytest

from tidemill.jobs.code.functions.turns import Turns

pytestmark = pytest.mark.anyio
SEEN: contextvars.ContextVar[int] = contextvars.ContextVar("seen", default=0)


class OneCall:
    """Calls `function`, and keeps what becomes of it."""

    def __init__(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self.over = False
        self.task: asyncio.Task[None] | None = None
        self.begun = asyncio.Event()
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._function = function

    def start(self, task: asyncio.Task[None]) -> tuple[Coroutine[Any, Any, Any], Context]:
        self.task = task
        self.begun.set()
        return self._function(), contextvars.copy_context()

    def returned(self, value: Any) -> None:
        self.ended.set_result(value)

    def raised(self, error: BaseException) -> None:
        self.ended.set_result(error)


async def test_turns_calls_that_never_wait_share_a_task_and_no_variables() -> None:
    turns = Turns()

    async def count() -> tuple[int, asyncio.Task[Any] | None]:
        SEEN.set(SEEN.get() + 1)
        return SEEN.get(), asyncio.current_task()

    calls = [OneCall(count) for _ in range(3)]
    for call in calls:
        turns.add(call)
    results = [await call.ended for call in calls]

    assert [seen for seen, _ in results] == [1, 1, 1]
    assert {task for _, task in results} == {calls[0].task}


async def test_turns_a_call_that_waits_holds_up_nothing() -> None:
    turns = Turns()
    gate = asyncio.Event()

    async def wait() -> str:
        await gate.wait()
        return "waited"

    async def go() -> str:
        gate.set()
        return "went"

    first, second = OneCall(wait), OneCall(go)
    turns.add(first)
    turns.add(second)

    assert [await second.ended, await first.ended] == ["went", "waited"]
    assert first.task is not second.task


async def test_turns_a_cancel_reaches_the_call_that_waits_and_no_other() -> None:
    turns = Turns()
    gate = asyncio.Event()

    async def wait() -> str:
        await gate.wait()
        return "waited"

    first, second = OneCall(wait), OneCall(wait)
    turns.add(first)
    turns.add(second)
    async with asyncio.timeout(60):
        await second.begun.wait()
    assert first.task is not None
    first.task.cancel()
    gate.set()

    assert isinstance(await first.ended, asyncio.CancelledError)
    assert await second.ended == "waited"


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("no"), StopAsyncIteration()])
async def test_turns_whatever_a_call_raises_the_next_one_follows(error: BaseException) -> None:
    turns = Turns()

    async def fail() -> None:
        raise error

    async def go() -> str:
        return "went"

    first, second = OneCall(fail), OneCall(go)
    turns.add(first)
    turns.add(second)

    assert isinstance(await first.ended, BaseException)
    assert await second.ended == "went"


async def test_turns_a_call_that_is_over_is_not_made() -> None:
    turns = Turns()

    async def go() -> str:
        return "went"

    first, second = OneCall(go), OneCall(go)
    first.over = True
    turns.add(first)
    turns.add(second)
    await second.ended

    assert first.task is None

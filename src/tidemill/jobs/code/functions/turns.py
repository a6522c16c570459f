"""Async functions on the worker's loop: those that end without waiting share a task."""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Coroutine, Generator
from contextvars import Context
from functools import partial
from time import monotonic
from typing import Any, Final, Protocol

turn_seconds: Final = 0.01
"""For how long calls that never wait may hold the loop together."""


class Call(Protocol):
    """A call of an async function that is to be made."""

    over: bool
    """Whether nobody wants it any more."""

    def start(self, task: asyncio.Task[None]) -> tuple[Coroutine[Any, Any, Any], Context]:
        """Return the coroutine and its context; `task` is what runs it now."""
        ...

    def returned(self, value: Any) -> None:
        """Take the function's result."""
        ...

    def raised(self, error: BaseException) -> None:
        """Take what the function raised."""
        ...


class Turns:
    """Makes calls in the order in which they come, each in a context of its own.

    A task is made for as many calls as end at their first step. A call that waits keeps the task
    for itself, to its end, and the others go on in a new one: so no two calls that wait have the
    same task, and cancelling one cancels nothing else.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Call] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Task[None] | None = None

    def add(self, call: Call) -> None:
        """Make `call` in one of the next turns of the loop."""
        self._waiting.append(call)
        if self._server is None:
            self._begin()

    def _begin(self) -> None:
        task = self._server = self._loop.create_task(self._run())
        # A task that only its own wake-up knows may be collected in the middle of its work.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        try:
            await self._serve(task)
        finally:
            self._leave(task)

    @types.coroutine
    def _serve(self, task: asyncio.Task[None]) -> Generator[Any, Any, None]:
        waiting = self._waiting
        ends_at = monotonic() + turn_seconds
        while waiting:
            if monotonic() > ends_at:
                yield
                ends_at = monotonic() + turn_seconds
                continue
            call = waiting.popleft()
            if call.over:
                continue
            try:
                coroutine, context = call.start(task)
                wish = context.run(coroutine.send, None)
            except StopIteration as end:
                call.returned(end.value)
            except BaseException as error:  # noqa: BLE001 - the worker outlives what it runs
                call.raised(error)
            else:
                self._leave(task)
                yield from _rest(call, coroutine, context, wish)
                return

    def _leave(self, task: asyncio.Task[None]) -> None:
        """Let the calls that come next have another task."""
        if self._server is task:
            self._server = None
            if self._waiting:
                self._begin()


def _rest(
    call: Call, coroutine: Coroutine[Any, Any, Any], context: Context, wish: Any
) -> Generator[Any, Any, None]:
    """Bring a call to its end that waits for `wish`."""
    while True:
        try:
            answer = yield wish
        except BaseException as error:  # noqa: BLE001 - a cancel, for the function to see
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, answer)
        try:
            wish = context.run(step)
        except StopIteration as end:
            call.returned(end.value)
            return
        except BaseException as error:  # noqa: BLE001 - as above
            call.raised(error)
            return

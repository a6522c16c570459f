"""Lets a synchronous use case wait for the event loop: it runs in a greenlet beside it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")

idle_max: Final = 32
"""How many greenlets of a thread are kept for the next use cases."""


class _Ended(NamedTuple):
    """What became of a use case; nothing that is waited for is one."""

    result: Any
    error: BaseException | None


class _UseCase(greenlet):
    """Runs use cases, one after the other; its parent is the one that runs the event loop.

    It is used again since to make one takes longer than most use cases need of the processor: each
    gets memory of its own for its frames from the system.
    """

    function: Callable[[], Any] | None = None

    def run(self) -> None:
        """Run what is asked for, and wait beside the loop for more."""
        while self.parent is not None:
            self.parent.switch(self._end())

    def _end(self) -> _Ended:
        # In a frame of its own, so that nothing of it is held on to while this waits for the next.
        function, self.function = self.function, None
        assert function is not None  # noqa: S101 - `run_bridged` has set it
        try:
            return _Ended(function(), None)
        except GreenletExit:
            raise  # Nobody waits for it any more.
        except BaseException as error:  # noqa: BLE001 - it rises in `run_bridged`
            return _Ended(None, error)


class _Idle(threading.local):
    """Greenlets of this thread that have nothing to do."""

    def __init__(self) -> None:
        self.runners: list[_UseCase] = []


_idle: Final = _Idle()


async def run_bridged(function: Callable[[], T]) -> T:
    """Run `function`, which may call `wait_for`, and return what it returns."""
    idle = _idle.runners
    runner = idle.pop() if idle else _UseCase()
    loop = getcurrent()
    if runner.parent is not loop:
        runner.parent = loop
    # The use case sees the context variables of its caller, those of its log lines among them.
    runner.gr_context = loop.gr_context
    runner.function = function
    value = runner.switch()
    while not isinstance(value, _Ended):
        try:
            answer = await value
        except BaseException as error:  # noqa: BLE001 - it rises inside the use case
            value = runner.throw(error)
        else:
            value = runner.switch(answer)
    runner.gr_context = None
    if len(idle) < idle_max:
        idle.append(runner)
    if value.error is not None:
        try:
            raise value.error
        finally:
            del value  # The error would lead back to itself by this frame.
    result: T = value.result
    return result


def wait_for(awaitable: Awaitable[T]) -> T:
    """Return the result of `awaitable`; only below `run_bridged`."""
    runner = getcurrent()
    parent = runner.parent
    if not isinstance(runner, _UseCase) or parent is None:
        raise RuntimeError("A transaction is used outside its use case.")
    result: T = parent.switch(awaitable)
    return result

"""Lets a synchronous use case wait for the event loop: it runs in a greenlet beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _UseCase(greenlet):
    """The greenlet of a use case; its parent is the one that runs the event loop."""


async def run_bridged(function: Callable[[], T]) -> T:
    """Run `function`, which may call `wait_for`, and return what it returns."""
    runner = _UseCase(function)
    # The use case sees the context variables of its caller, those of its log lines among them.
    runner.gr_context = getcurrent().gr_context
    value = runner.switch()
    while not runner.dead:
        try:
            answer = await value
        except BaseException as error:  # noqa: BLE001 - it rises inside the use case
            value = runner.throw(error)
        else:
            value = runner.switch(answer)
    result: T = value
    return result


def wait_for(awaitable: Awaitable[T]) -> T:
    """Return the result of `awaitable`; only below `run_bridged`."""
    runner = getcurrent()
    parent = runner.parent
    if not isinstance(runner, _UseCase) or parent is None:
        raise RuntimeError("A transaction is used outside its use case.")
    result: T = parent.switch(awaitable)
    return result

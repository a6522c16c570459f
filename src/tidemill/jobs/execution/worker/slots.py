"""The slots of a worker: how many jobs run at once, and the line of those that wait for one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Generic, TypeVar

from tidemill.jobs.execution.worker.ahead import Ahead, Waiting

W = TypeVar("W", bound=Waiting)


class Slots(Generic[W]):
    """Begins executions in their order as slots are free; `start` is told whether it has one.

    One that is stopped while it waits is started without a slot: it only has to say so.
    """

    def __init__(self, count: int, start: Callable[[W, bool], None]) -> None:
        self.free = count
        self._start = start
        self._ahead: Ahead[W] = Ahead(self._begin_one, lambda one: start(one, False))
        self._beginning = False
        # What one job has bound to its context is not that of the next one.
        self._context = contextvars.copy_context()

    @property
    def waiting(self) -> int:
        """Return how many wait for a slot."""
        return len(self._ahead)

    def add(self, execution: W) -> None:
        """Begin `execution`, now or when it has a slot."""
        self._ahead.add(execution)
        self._begin()

    def stopped(self, execution: W) -> None:
        """Let `execution`, which was asked to end, do so at once if it waits."""
        self._ahead.stop(execution)

    def leave(self) -> None:
        """Give a slot back, for the next one in line."""
        self.free += 1
        if self.waiting and not self._beginning:
            # Not from here: one that ends as it begins would bring the next one below itself.
            self._beginning = True
            asyncio.get_running_loop().call_soon(self._begin, context=self._context)

    def give_back(self) -> None:
        """Let go of all that wait."""
        self._ahead.give_back()

    def _begin(self) -> None:
        self._beginning = False
        while self.free > 0 and self.waiting:
            self._ahead.begin(1)

    def _begin_one(self, execution: W) -> None:
        self.free -= 1
        self._start(execution, True)

"""Jobs that a worker has been given ahead of a free slot, so that it need not wait for the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from tidemill.jobs.protocol.messages import Verdict

ahead_seconds_max: Final = 1.0
"""How long a job may wait for a slot here before somebody else may have it."""


class Waiting(Protocol):
    """An execution that has not begun."""

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        """Let it end as soon as it begins."""
        ...


W = TypeVar("W", bound=Waiting)


class Ahead(Generic[W]):
    """Executions in the order in which they came; `start` begins one.

    `end` gets those that were stopped while they waited; without it, they are begun like others.
    """

    def __init__(self, start: Callable[[W], None], end: Callable[[W], None] | None = None) -> None:
        self._start = start
        self._end = end or start
        self.waiting: deque[tuple[W, float]] = deque()
        self._watch: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, execution: W) -> None:
        """Let `execution` wait."""
        loop = asyncio.get_running_loop()
        self.waiting.append((execution, loop.time() + ahead_seconds_max))
        if self._watch is None:
            self._watch = loop.call_later(ahead_seconds_max, self._look)

    def begin(self, slots: int) -> None:
        """Begin as many as there are free `slots`."""
        for _ in range(min(slots, len(self.waiting))):
            self._start(self.waiting.popleft()[0])

    def stop(self, execution: W) -> None:
        """Let one that was stopped end at once, if it waits here."""
        for place, (waiting, _) in enumerate(self.waiting):
            if waiting is execution:
                del self.waiting[place]
                self._end(execution)
                return

    def give_back(self) -> None:
        """Let go of all."""
        while self.waiting:
            self._let_go()

    def _look(self) -> None:
        self._watch = None
        loop = asyncio.get_running_loop()
        while self.waiting and self.waiting[0][1] <= loop.time():
            self._let_go()
        if self.waiting:
            self._watch = loop.call_at(self.waiting[0][1], self._look)

    def _let_go(self) -> None:
        execution, _ = self.waiting.popleft()
        execution.stop(Verdict.LOST, 0.0)
        self._end(execution)

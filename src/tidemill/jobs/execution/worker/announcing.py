"""Says which functions have begun, a moment later: most have ended by then, which says it, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import Held, Started

announce_seconds: Final = 0.02
again_seconds: Final = 0.1
"""How soon it looks again at what could not be told."""


class Beginning(Protocol):
    """A call that begins, now or when it gets a thread."""

    held: Held
    started_at: int | None


B = TypeVar("B", bound=Beginning)


class Announcer(Generic[B]):
    """Tells the dispatcher of those that `runs` says are still under way."""

    def __init__(
        self, connection: Callable[[], WorkerConnection | None], runs: Callable[[B], bool]
    ) -> None:
        self._connection = connection
        self._runs = runs
        self._begun: list[B] = []

    def add(self, call: B) -> None:
        """Tell of `call` when it has run for a moment."""
        if not self._begun:
            self._later()
        self._begun.append(call)

    def _later(self, seconds: float = announce_seconds) -> None:
        asyncio.get_running_loop().call_later(seconds, self._announce)

    def _announce(self) -> None:
        begun, self._begun = self._begun, []
        connection = self._connection()
        there = connection if connection is not None and not connection.closed else None
        for call in begun:
            if not self._runs(call):
                continue
            if call.started_at is None or there is None:
                self._begun.append(call)  # It waits for a thread, or its dispatcher is away.
                continue
            held = call.held
            there.send_soon(
                Started(job_id=held.job_id, epoch=held.epoch, started_at=call.started_at)
            )
        if self._begun:
            self._later(again_seconds)

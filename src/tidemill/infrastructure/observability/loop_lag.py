"""Measures how late the event loop is, which shows what blocks it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from tidemill.infrastructure.observability.metrics import Metrics

_every_seconds: Final = 1.0
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoopLag:
    """Looks once a second how much later than asked it is called."""

    def __init__(self, metrics: Metrics, *, every_seconds: float = _every_seconds) -> None:
        self._every_seconds = every_seconds
        self._lag = metrics.histogram(
            "tidemill_event_loop_lag_seconds",
            "How late the event loop calls what is due.",
            buckets=_BUCKETS,
        ).of()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._measure(), name="loop lag")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _measure(self) -> None:
        while True:
            due = time.monotonic() + self._every_seconds
            await asyncio.sleep(self._every_seconds)
            self._lag.observe(max(0.0, time.monotonic() - due))

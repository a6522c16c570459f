"""Starts what runs beside the requests of a process, and stops it in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

import structlog

from tidemill.core.module import Periodic, Service

log = structlog.get_logger(__name__)

stop_seconds_max: Final = 10.0
retry_seconds_max: Final = 60.0


class PeriodicWork:
    """Runs each piece of periodic work in its own task; a failure is logged and tried again."""

    def __init__(self, work: Sequence[Periodic]) -> None:
        self._work = work
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; each piece runs first after its own interval."""
        self._tasks = [
            asyncio.create_task(self._repeat(piece), name=f"periodic {piece.name}")
            for piece in self._work
        ]

    async def stop(self) -> None:
        """Cancel what runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, piece: Periodic) -> None:
        failures = 0
        while True:
            delay = piece.every_seconds * 2**failures
            await asyncio.sleep(min(delay, max(piece.every_seconds, retry_seconds_max)))
            try:
                await piece.run()
                failures = 0
            except Exception:
                failures = min(failures + 1, 10)
                log.exception("periodic.failed", name=piece.name)


class Services:
    """Several services as one."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._started: list[Service] = []

    async def start(self) -> None:
        """Start each in order; when one fails, those already started are stopped again."""
        try:
            for service in self._services:
                await service.start()
                self._started.append(service)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop each in reverse order, each within its deadline, whatever the others do."""
        while self._started:
            service = self._started.pop()
            try:
                async with asyncio.timeout(stop_seconds_max):
                    await service.stop()
            except TimeoutError:
                log.warning("service.stop.timeout", service=type(service).__name__)
            except Exception:
                log.exception("service.stop.failed", service=type(service).__name__)


@contextlib.asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Run `services` around a block."""
    await services.start()
    try:
        yield
    finally:
        await services.stop()

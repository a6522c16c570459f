"""How much memory the worker holds, and when that is too much."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

import structlog

from tidemill.core.config import ConfigRefused

MEBIBYTE: Final = 1024 * 1024
look_seconds: Final = 1.0

log = structlog.get_logger("tidemill.jobs.execution.worker")


def resident_bytes() -> int:
    """Return the resident memory of this process, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


class Wear:
    """Tells a worker to end when its process has grown beyond a bound, and whether it did.

    Functions of the operator's program run in the worker itself, and what one of them never gives
    back is lost until the process ends.
    """

    def __init__(self, mebibytes_max: int, resident: Callable[[], int] = resident_bytes) -> None:
        self.worn = False
        self._bytes_max = mebibytes_max * MEBIBYTE
        self._resident = resident

    @asynccontextmanager
    async def watched(
        self, drain: Callable[[], None], *, seconds: float = look_seconds
    ) -> AsyncIterator[None]:
        """Call `drain` once, if the process grows too large while the block lasts.

        Raises `ConfigRefused` when it is too large already: it would only ever begin anew.
        """
        if not self._bytes_max:
            yield
            return
        if (needed := self._resident()) >= self._bytes_max:
            problem = (
                f"worker.memory_mib_max ({self._bytes_max // MEBIBYTE}) is less than the "
                f"{needed // MEBIBYTE + 1} MiB that this worker has when it starts. Give it room "
                "for its jobs, too."
            )
            raise ConfigRefused([problem])
        watching = asyncio.create_task(self._watch(drain, seconds), name="worker memory")
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self, drain: Callable[[], None], seconds: float) -> None:
        while (held := self._resident()) < self._bytes_max:  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(seconds)
        self.worn = True
        log.warning("worker.worn", resident_bytes=held, bytes_max=self._bytes_max)
        drain()


def begin_anew() -> NoReturn:
    """Put a new process of the same command in the place of this one, which is the same child."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command

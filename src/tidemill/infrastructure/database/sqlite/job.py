"""A use case on its way through a thread and back to the loop that asked for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from tidemill.core.ids import TenantId
from tidemill.core.ports import Once


class Job:
    """One call of `read` or `write` that waits for its result."""

    __slots__ = (
        "began_at",
        "callbacks",
        "changed",
        "dirty",
        "ended_at",
        "error",
        "future",
        "loop",
        "once",
        "queued_at",
        "result",
        "settled",
        "tenant_id",
        "use_case",
        "writes",
    )

    def __init__(
        self,
        tenant_id: TenantId,
        use_case: Callable[[Any], Any],
        once: Once[Any] | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.tenant_id = tenant_id
        self.use_case = use_case
        self.once = once
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None
        self.callbacks: list[Callable[[], None]] = []
        self.dirty = False
        self.changed = False
        self.settled: Callable[[], None] = _nothing
        self.writes = False
        self.queued_at = time.perf_counter()
        self.began_at = self.ended_at = self.queued_at


def hand_over(jobs: list[Job], settle: Callable[[list[Job]], None]) -> None:
    """Give finished jobs back to their loop with one call for all of them."""
    by_loop: dict[int, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(id(job.loop), []).append(job)
    for group in by_loop.values():
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            group[0].loop.call_soon_threadsafe(settle, group)


def resolve(jobs: Iterable[Job]) -> None:
    """Wake who waits, and let go of what served them; to be called on the loop."""
    for job in jobs:
        job.settled()
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


def _nothing() -> None:
    pass

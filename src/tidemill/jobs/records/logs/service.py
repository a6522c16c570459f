"""Reading what jobs print: a page at a time, or as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.http.authentication import StillValid
from tidemill.jobs.errors import ExecutionNotFound
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.attempts.service import AttemptService
from tidemill.jobs.records.logs.files import LogFiles, LogKey
from tidemill.jobs.records.logs.writing import LogArrivals

page_bytes_default: Final = 64 * 1024
page_bytes_max: Final = 1024 * 1024
look_seconds: Final = 1.0
_utf8_bytes_max: Final = 4


class LogPage(Struct, frozen=True, kw_only=True):
    """A part of a log; `execution` is its job's epoch, which rises by one each time."""

    job: Job
    execution: int
    offset: int
    next_offset: int
    text: str
    complete: bool


class Which(Struct, frozen=True, kw_only=True):
    """Whose output is wanted: of an attempt, or of an execution; without both, of the latest."""

    attempt: int | None = None
    execution: int | None = None


LATEST: Final = Which()


class LogService:
    """Use cases of logs."""

    def __init__(
        self,
        files: LogFiles,
        arrivals: LogArrivals,
        jobs: JobService,
        attempts: AttemptService,
        *,
        clock: Clock,
        still_valid: StillValid,
    ) -> None:
        self._files = files
        self._arrivals = arrivals
        self._jobs = jobs
        self._attempts = attempts
        self._clock = clock
        self._still_valid = still_valid

    async def page(
        self,
        reference: str,
        *,
        which: Which = LATEST,
        offset: int = 0,
        bytes_max: int = page_bytes_default,
        actor: Actor,
    ) -> LogPage:
        """Return the output from `offset` on; `complete` when there will be no more of it.

        Raises `AttemptNotFound` or `ExecutionNotFound`.
        """
        job = await self._jobs.get(reference, actor=actor)
        number = await self._execution(job, which)
        return await self._page(job, number or job.epoch, offset, bytes_max)

    async def check(self, reference: str, *, which: Which = LATEST, actor: Actor) -> None:
        """Raise what `follow` would, which says nothing before the job prints something."""
        self._jobs.waits.check_room(actor)
        await self._execution(await self._jobs.get(reference, actor=actor), which)

    async def follow(
        self, reference: str, *, which: Which = LATEST, offset: int = 0, actor: Actor
    ) -> AsyncIterator[LogPage]:
        """Yield the output as it comes, of this and the following executions, until the job ends.

        The last page is empty and has the job as it ended. Without it, the stream was cut because
        the actor's credential holds no more, or this process stops. Raises `AttemptNotFound`,
        `ExecutionNotFound` or `TooManyWaits`.
        """
        with self._jobs.waits.taken(actor):
            async for page in self._follow(reference, which, offset, actor):
                yield page

    async def _follow(
        self, reference: str, which: Which, offset: int, actor: Actor
    ) -> AsyncIterator[LogPage]:
        job = await self._jobs.get(reference, actor=actor)
        number = await self._execution(job, which) or max(job.epoch, 1)
        asked_at = self._clock.monotonic()
        while True:
            if self._clock.monotonic() - asked_at >= look_seconds:
                if not await self._still_valid(actor):
                    return
                asked_at = self._clock.monotonic()
            if self._arrivals.ending:
                return
            page = await self._page(job, number, offset, page_bytes_default)
            moved = page.next_offset > offset
            offset = page.next_offset
            if page.text:
                yield page
            if moved:
                continue
            if job.epoch > number:
                number, offset = number + 1, 0
                continue
            if job.state.final:
                yield page
                return
            key = LogKey(job.tenant_id, job.id, number)
            await self._arrivals.wait(key, look_seconds)
            job = await self._jobs.get(reference, actor=actor)

    async def _page(self, job: Job, number: int, offset: int, bytes_max: int) -> LogPage:
        key = LogKey(job.tenant_id, job.id, number)
        data = await asyncio.to_thread(self._files.read, key, offset, bytes_max)
        over = job.epoch > number or job.state.final
        kept = data if over and len(data) < bytes_max else _whole(data)
        return LogPage(
            job=job,
            execution=number,
            offset=offset,
            next_offset=offset + len(kept),
            # In the files NUL bytes fill what was lost; what jobs print has none.
            text=kept.decode(errors="replace").replace("\0", ""),
            complete=over and len(data) < bytes_max,
        )

    async def _execution(self, job: Job, which: Which) -> int | None:
        """Return which execution is wanted; None is the latest."""
        if which.attempt is not None:
            return await self._attempts.execution_of(job, which.attempt)
        # The first one may be waited for.
        if which.execution is not None and which.execution > max(job.epoch, 1):
            raise ExecutionNotFound(job.public_id, which.execution, last=job.epoch)
        return which.execution


def _whole(data: bytes) -> bytes:
    """Return `data` without a character at its end that has not arrived whole."""
    for length in range(1, min(_utf8_bytes_max, len(data)) + 1):
        byte = data[-length]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data if length >= needed else data[:-length]
    return data

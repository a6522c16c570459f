"""Follows a job until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.following.models import Created, Ended, Event
from tidemill.jobs.records.logs.service import LogPage, LogService
from tidemill.jobs.records.progress.service import ProgressService

look_seconds: Final = 1.0
"""How often the progress of a job that prints nothing is read."""


class FollowingService:
    """Use cases of those who start a job and stay."""

    def __init__(self, logs: LogService, progress: ProgressService) -> None:
        self._logs = logs
        self._progress = progress

    async def follow(self, job: Job, *, actor: Actor) -> AsyncIterator[Event]:
        """Yield what the job prints and how far it says it is, and in the end how it ended.

        Without `Ended` the stream was cut, since the actor's credential holds no more or this
        process stops; the job goes on.
        """
        yield Created(job)
        pages = self._logs.follow(job.public_id, actor=actor)
        told = Instant(0)
        reading = asyncio.ensure_future(anext(pages, None))
        try:
            while True:
                await asyncio.wait({reading}, timeout=look_seconds)
                progress = await self._progress.of(job)
                if progress is not None and progress.updated_at != told:
                    told = progress.updated_at
                    yield progress
                if not reading.done():
                    continue
                page: LogPage | None = reading.result()
                if page is None:
                    return
                if not page.text:
                    yield Ended(page.job)
                    return
                yield page
                reading = asyncio.ensure_future(anext(pages, None))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

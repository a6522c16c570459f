"""Schedules of a queue without a server: kept by programs, fired by their workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.errors import TidemillError
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.scheduling.firing.scheduler import Scheduler
from tidemill.jobs.scheduling.firing.service import Firing
from tidemill.jobs.scheduling.occurrences.service import PROGRAM, Occurrences
from tidemill.jobs.scheduling.schedules.ensuring import ensure
from tidemill.jobs.scheduling.schedules.models import Definition, Schedule
from tidemill.jobs.scheduling.schedules.service import ScheduleService
from tidemill.jobs.scheduling.schedules.wakes import Wakes
from tidemill.jobs.scheduling.settling.service import Settling
from tidemill.runtime.queue.opening import OpenQueue, actor_of

schedules_max: Final = 10_000
log = structlog.get_logger(__name__)


class QueueSchedules:
    """What a program does with its schedules."""

    def __init__(self, queue: OpenQueue) -> None:
        self.wakes = Wakes(queue.bus)
        self._queue = queue
        self._schedules = ScheduleService(
            queue.store.jobs,
            queue.clock,
            self.wakes,
            queue=queue.service,
            scripts=queue.scripts,
            quota=_quota,
            ends=Occurrences(self.wakes, lambda: None).end_pending,
        )

    async def ensure(
        self, path: str, definition: Definition, *, enabled: bool, tenant: str
    ) -> Schedule:
        """Return the schedule at `path`, made or changed to this definition."""
        actor = program_in(tenant)
        return await ensure(self._schedules, path, definition, enabled=enabled, actor=actor)

    async def get(self, path: str, *, tenant: str) -> Schedule:
        """Return a schedule; raises `ScheduleNotFound`."""
        return await self._schedules.get(path, actor=program_in(tenant))

    async def pause(self, path: str, *, until: Instant | None, tenant: str) -> Schedule:
        """Let a schedule rest."""
        return await self._schedules.pause(path, until=until, actor=program_in(tenant))

    async def resume(self, path: str, *, tenant: str) -> Schedule:
        """End a rest."""
        return await self._schedules.resume(path, actor=program_in(tenant))

    async def delete(self, path: str, *, tenant: str) -> None:
        """Remove a schedule; its jobs stay."""
        await self._schedules.delete(path, actor=program_in(tenant))


class QueueScheduler:
    """Fires the schedules of one queue: a service beside its dispatcher."""

    def __init__(self, queue: OpenQueue, *, leads: Callable[[], bool], history_days: int) -> None:
        wakes = Wakes(queue.bus)
        book = Occurrences(wakes, lambda: None)
        jobs, clock = queue.store.jobs, queue.clock
        self._settling = Settling(jobs, clock, queue.service, book)
        self._scheduler = Scheduler(
            Firing(jobs, queue.service, book),
            self._settling,
            wakes,
            clock,
            leads=leads,
            history_days=history_days,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        queue.bus.on_ephemeral(self._scheduler.hear)
        queue.signals.on_triggered(self._ended)

    async def start(self) -> None:
        """Begin to fire schedules, as soon as this process leads."""
        await self._scheduler.start()

    async def stop(self) -> None:
        """End after what is under way."""
        await self._scheduler.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    def _ended(self, job: Job) -> None:
        task = asyncio.create_task(self._settle(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, job: Job) -> None:
        try:
            await self._settling.settle_job(job)
        except TidemillError as later:
            # The scheduler looks by itself at runs whose end was not written.
            log.warning("schedules.settling.delayed", job_id=job.id, code=later.code)


def program_in(tenant: str) -> Actor:
    """Return the program as the owner of schedules within a tenant."""
    return structs.replace(actor_of(tenant), user_id=PROGRAM)


async def _quota(actor: Actor) -> int:
    del actor
    return schedules_max

"""What a dispatcher looks after each second: leadership, leases, cancels, retention."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.errors import TidemillError
from tidemill.jobs.dispatcher.models import Leases
from tidemill.jobs.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatcher.reception import Reception
from tidemill.jobs.dispatcher.service import Dispatching
from tidemill.jobs.logs.files import LogFiles
from tidemill.jobs.queue.signals import Signals
from tidemill.jobs.workers.models import Beat

log = structlog.get_logger(__name__)

prune_seconds: Final = 3_600.0
gap_ticks_max: Final = 5
leads_per_term: Final = 3
"""How many times the leader renews its term before that would end."""
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND


class Tended(Struct, frozen=True, kw_only=True):
    """Whether there may be ready jobs that nobody announced, and when the next one is due.

    `has_ready` is what the books say: those jobs may wait for other workers, or for a free slot.
    """

    look: bool = False
    has_ready: bool = False
    next_due_at: Instant | None = None


class Tending:
    """Only the leader rescues, prunes and moves due jobs."""

    def __init__(
        self,
        options: DispatcherOptions,
        dispatching: Dispatching,
        signals: Signals,
        files: LogFiles,
        clock: Clock,
    ) -> None:
        self.leads = False
        self._options = options
        self._dispatching = dispatching
        self._signals = signals
        self._files = files
        self._clock = clock
        self._leases = Leases()
        self._renewed = 0.0
        self._pruned = self._looked = clock.monotonic()
        self._pruning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Try to lead."""
        await self._renew()

    async def stop(self) -> None:
        """Let another process lead."""
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.wait([self._pruning])
        if self.leads:
            self.leads = False
            await self._dispatching.resign(self._options.holder)

    async def tend(self, reception: Reception, beats: Sequence[Beat]) -> Tended:
        """Do what is due; return what that means for the queue."""
        led, rescued = self.leads, False
        if beats:
            await self._dispatching.beat(beats)
        if self._clock.monotonic() - self._renewed >= self._options.lead_seconds / leads_per_term:
            await self._renew()
        look = await self._dispatching.look()
        self._forget_after_a_gap()
        for session in reception.sessions.values():
            for job_id, epoch in look.cancels:
                session.cancel(job_id, epoch)
        if not self.leads:
            return Tended(has_ready=look.has_ready)
        now, lease_seconds = self._clock.monotonic(), self._options.lease_seconds
        for worker_id in self._leases.expired(look.beats, now=now, lease_seconds=lease_seconds):
            await self._rescue(reception, worker_id)
            rescued = True
        if now - self._pruned >= prune_seconds and (self._pruning is None or self._pruning.done()):
            self._pruned = now
            # No job waits for it: days that readers hold are dropped when those are done.
            self._pruning = asyncio.create_task(self._prune(), name="dispatcher.prune")
        return Tended(
            look=rescued or not led, has_ready=look.has_ready, next_due_at=look.next_due_at
        )

    async def count(self) -> None:
        """Count the jobs in each state, so that one process of an installation tells it."""
        figures = self._signals.figures
        figures.in_state, figures.oldest_due_at = (
            await self._dispatching.count() if self.leads else ({}, None)
        )

    async def _renew(self) -> None:
        led = self.leads
        self.leads = await self._dispatching.lead(
            self._options.holder, seconds=self._options.lead_seconds
        )
        self._renewed = self._clock.monotonic()
        if self.leads and not led:
            # Whoever led before may have heard what this process did not.
            self._leases.forget()
            await self._dispatching.make_days()

    async def _rescue(self, reception: Reception, worker_id: str) -> None:
        log.warning("dispatcher.worker.lost", worker_id=worker_id)
        figures = self._signals.figures
        figures.leases_expired += 1
        session = reception.sessions.get(worker_id)
        if session is not None:
            session.connection.abort("The lease has run out.")
        for job in await self._dispatching.rescue(worker_id):
            log.warning("dispatcher.job.rescued", job_id=job.id, state=job.state)
            figures.rescued += 1
            self._signals.changed(job)

    def _forget_after_a_gap(self) -> None:
        """Trust no lease after this process could not look, or not hear, for a while.

        Its store was away, or it was stopped itself: then what workers said meanwhile has not
        been written yet, and each gets a full lease from now on.
        """
        now = self._clock.monotonic()
        gap_max = max(self._options.lease_seconds / 3, gap_ticks_max * self._options.tick_seconds)
        if now - self._looked > gap_max:
            self._leases.forget()
        self._looked = now

    async def _prune(self) -> None:
        """Delete what is too old, in portions between which others write."""
        days = self._options.history_days
        try:
            await self._dispatching.make_days()
            await self._dispatching.drop_days(self._clock.now(), days=days)
            while await self._dispatching.prune(days=days) > 0:  # noqa: ASYNC110 - in portions
                await asyncio.sleep(self._options.tick_seconds)
            await self._dispatching.forget_specs(days=days)
            day = self._clock.now() // _DAY - days - 1
            await asyncio.to_thread(self._files.remove_before, day)
        except (TidemillError, OSError) as error:
            log.warning("dispatcher.prune.failed", reason=str(error))
        except Exception:
            log.exception("dispatcher.prune.broke")

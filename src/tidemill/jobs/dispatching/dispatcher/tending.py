"""What a dispatcher looks after each second: leadership, leases, cancels, retention."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.errors import TidemillError
from tidemill.jobs.dispatching.dispatcher.models import Leases, Look
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.reception import Reception
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.workers.models import Beat
from tidemill.jobs.records.logs.files import LogFiles

log = structlog.get_logger(__name__)

prune_seconds: Final = 3_600.0
gap_ticks_max: Final = 5
reclaim_after: Final = 10_000
"""How many jobs have to end before what they still take is worth a look at the whole index."""
reclaim_pauses: Final = 9
"""How many times its own duration has to pass before it is done again, however many ended."""
leads_per_term: Final = 3
"""How many times the leader renews its term before that would end."""
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND
_UNSEEN: Final = (0, 0)


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
        self._reclaimed = 0
        self._reclaims_from = 0.0
        self._reclaiming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Try to lead."""
        await self._renew()

    async def stop(self) -> None:
        """Let another process lead."""
        tasks = [task for task in (self._pruning, self._reclaiming) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self.leads:
            self.leads = False
            await self._dispatching.resign(self._options.holder)

    async def tend(self, reception: Reception, beats: Sequence[Beat]) -> Tended:
        """Do what is due; return what that means for the queue."""
        led = self.leads
        if beats:
            await self._dispatching.beat(beats)
        if self._is_renewal_due():
            await self._renew()
        for session in tuple(reception.sessions.values()):
            if session.draining and not session.noted_draining:
                await self._dispatching.drain(session.worker_id, session.generation)
                session.noted_draining = True
        look = await self._dispatching.look()
        self._reclaim_if_due()
        self._forget_after_a_gap(reception.deaf_at)
        self._tell(reception, look)
        now, lease_seconds = self._clock.monotonic(), self._options.lease_seconds
        expired = self._leases.expired(look.beats, now=now, lease_seconds=lease_seconds)
        if not self.leads:
            return Tended(has_ready=look.has_ready)
        for worker_id in expired:
            await self._rescue(reception, worker_id)
        if now - self._pruned >= prune_seconds and (self._pruning is None or self._pruning.done()):
            self._pruned = now
            # No job waits for it: days that readers hold are dropped when those are done.
            self._pruning = asyncio.create_task(self._prune(), name="dispatcher.prune")
        return Tended(
            look=bool(expired) or not led, has_ready=look.has_ready, next_due_at=look.next_due_at
        )

    async def count(self) -> None:
        """Count the jobs in each state, so that one process of an installation tells it."""
        counts = await self._dispatching.count() if self.leads else ()
        self._signals.breakdown.tags = counts
        self._signals.figures.counted(counts)

    def _is_renewal_due(self) -> bool:
        # Rather half a tick early than a whole one late.
        seconds = self._options.lead_seconds / leads_per_term - self._options.tick_seconds / 2
        return self._clock.monotonic() - self._renewed >= seconds

    async def _renew(self) -> None:
        if not self._options.may_lead:
            return
        led, began = self.leads, self._clock.monotonic()
        silent_seconds = await self._dispatching.lead(
            self._options.holder, seconds=self._options.lead_seconds
        )
        self.leads = silent_seconds is not None
        self._renewed = began
        if silent_seconds is not None and not led:
            self._begin_to_lead(began - silent_seconds)
            await self._dispatching.housekeeping.make_days()

    def _begin_to_lead(self, renewed_at: float) -> None:
        """Count leases on from what this process has seen of them while another one led.

        That one wrote what it heard before it renewed its term for the last time, at `renewed_at`;
        what it heard later may be lost, so no lease begins earlier, unless there was time enough
        to be heard again.
        """
        until = self._heard_by(self._clock.monotonic())
        # Some workers could not be heard by anybody until now.
        only_here = self._options.heard_by_leader_only
        self._leases.heard_elsewhere(until if only_here else min(until, renewed_at))

    def _heard_by(self, now: float) -> float:
        """Return when a lease has to begin to last until workers had time to be heard."""
        return now - self._options.lease_seconds + self._options.grace_seconds

    async def _rescue(self, reception: Reception, worker_id: str) -> None:
        log.warning("dispatcher.worker.lost", worker_id=worker_id)
        self._signals.figures.leases_expired += 1
        session = reception.sessions.get(worker_id)
        if session is not None:
            session.connection.abort("The lease has run out.")
        reception.tell_rescued(await self._dispatching.rescue(worker_id))

    def _tell(self, reception: Reception, look: Look) -> None:
        """Tell the workers that are connected here what was found of them and of their jobs."""
        for session in reception.sessions.values():
            session.order_drain(look.drained.get(session.worker_id))
            for job_id, epoch in look.cancels:
                session.cancel(job_id, epoch)
            is_back = look.beats.get(session.worker_id, _UNSEEN)[0] > session.generation
            # Who still speaks is an earlier one of the same name, which is not let in again while
            # the later one lives. One that does not say which it is keeps its own jobs.
            is_over = session.process or session.is_silent(self._options.heartbeat_seconds)
            if is_back and is_over:
                session.connection.abort("The worker has come back elsewhere.")

    def _forget_after_a_gap(self, deaf_at: float | None) -> None:
        """Trust no lease after this process could not look, or not hear, for a while.

        Its store was away, or it was stopped itself: then what workers said meanwhile has not
        been written yet, and each gets a full lease from now on. Those that it had no way to hear
        until `deaf_at` get time to be heard.
        """
        now = self._clock.monotonic()
        gap_max = max(self._options.lease_seconds / 3, gap_ticks_max * self._options.tick_seconds)
        if now - self._looked > gap_max:
            self._leases.forget()
        elif deaf_at is not None:
            self._leases.heard_elsewhere(self._heard_by(deaf_at))
        self._looked = now

    def _reclaim_if_due(self) -> None:
        """Clear up after the jobs that ended here; whether this process leads does not matter."""
        ended = self._signals.figures.ended
        if ended - self._reclaimed < reclaim_after:
            return
        is_done = self._reclaiming is None or self._reclaiming.done()
        if is_done and self._clock.monotonic() >= self._reclaims_from:
            self._reclaimed = ended
            self._reclaiming = asyncio.create_task(self._reclaim(), name="dispatcher.reclaim")

    async def _reclaim(self) -> None:
        began = self._clock.monotonic()
        try:
            await self._dispatching.housekeeping.reclaim()
        except TidemillError as error:
            log.warning("dispatcher.reclaim.failed", reason=str(error))
        except Exception:
            log.exception("dispatcher.reclaim.broke")
        ended = self._clock.monotonic()
        self._reclaims_from = ended + reclaim_pauses * (ended - began)

    async def _prune(self) -> None:
        """Delete what is too old, in portions between which others write."""
        days = self._options.history_days
        try:
            await self._dispatching.housekeeping.make_days()
            await self._dispatching.housekeeping.drop_days(self._clock.now(), days=days)
            async for tenant, going in self._dispatching.housekeeping.rules.run():
                await asyncio.to_thread(self._files.remove, tenant, going)
                log.info("dispatcher.rule.pruned", tenant_id=tenant, jobs=len(going))
            while await self._dispatching.housekeeping.prune(days=days) > 0:  # noqa: ASYNC110 - in portions
                await asyncio.sleep(self._options.tick_seconds)
            await self._dispatching.housekeeping.forget_specs(days=days)
            await self._dispatching.releasing.tidy(before=self._clock.now() - days * _DAY)
            day = self._clock.now() // _DAY - days - 1
            await asyncio.to_thread(self._files.remove_before, day)
        except (TidemillError, OSError) as error:
            log.warning("dispatcher.prune.failed", reason=str(error))
        except Exception:
            log.exception("dispatcher.prune.broke")

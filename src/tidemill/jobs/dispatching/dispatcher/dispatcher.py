"""Hands due jobs to workers and records their outcomes: one turn after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.crash import crash_point
from tidemill.core.log_context import job_fields
from tidemill.core.module import Service
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.assignments import Assignments
from tidemill.jobs.dispatching.dispatcher.beginning import mark_begun
from tidemill.jobs.dispatching.dispatcher.models import Demand, Ended, Ring, Turn
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.reception import Arrived, Inbox, Reception
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.sessions import Session, slots_by_tag
from tidemill.jobs.dispatching.dispatcher.tending import Tending
from tidemill.jobs.dispatching.dispatcher.turning import pause_of, take_turn
from tidemill.jobs.protocol.memory import MemoryListener
from tidemill.jobs.protocol.messages import Assignment, Held
from tidemill.jobs.protocol.unix import UnixListener
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.records.logs.files import LogKey
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter

log = structlog.get_logger(__name__)

failure_seconds_min: Final = 0.1
failure_seconds_max: Final = 5.0
give_back_seconds: Final = 5.0
stop_seconds_max: Final = 5.0
"""How long the last outcomes may take to become durable."""
silent_seconds_max: Final = 15.0


class Peers(Struct, frozen=True, kw_only=True):
    """What a dispatcher works with; `doors` let workers in beside its own listener."""

    dispatching: Dispatching
    assignments: Assignments
    signals: Signals
    logs: LogWriter
    arrivals: LogArrivals
    tending: Tending
    clock: Clock
    functions: FunctionService | None = None
    doors: tuple[Callable[[Reception], Service], ...] = ()


class Dispatcher:
    """A service: listens for workers, and takes turns while there is something to do."""

    def __init__(self, options: DispatcherOptions, peers: Peers) -> None:
        self._options = options
        self._peers = peers
        self._inbox = Inbox()
        self._reception = Reception(options, peers.dispatching, peers.logs, self._inbox)
        self._reception.signals, self._reception.clock = peers.signals, peers.clock
        self._reception.functions = peers.functions
        self._reception.token_of = peers.assignments.token
        self.listener: UnixListener | MemoryListener = (
            MemoryListener(self._reception.serve)
            if options.directory is None
            else UnixListener(options.directory, self._reception.serve)
        )
        self._reception.is_secret = self.listener.is_secret
        self.doors = tuple(make(self._reception) for make in peers.doors)
        self._ring = Ring()
        self._next_due_at: int | None = None
        self._ticked = self._looked = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._claimed = 0
        self._failed = False
        figures = peers.signals.figures
        figures.workers = lambda: len(self.sessions)
        figures.leads = lambda: peers.tending.leads
        peers.signals.breakdown.slots = lambda: slots_by_tag(self.sessions.values())
        self._failing: str | None = None
        peers.signals.on_ready(self._ready)
        peers.signals.on_coming(self._inbox.wake.set)
        peers.signals.on_cancel(self._cancel)

    @property
    def sessions(self) -> dict[str, Session]:
        """Return the connected workers by name."""
        return self._reception.sessions

    async def count(self) -> None:
        """Count what waits and runs, for metrics; only the leader tells it."""
        await self._peers.tending.count()

    async def check(self) -> str | None:
        """Return why no job is handed out here, or None."""
        if self._task is None or self._task.done():
            return "The dispatcher does not run; jobs wait."
        silent = self._peers.clock.monotonic() - self._ticked
        if silent > silent_seconds_max:
            return f"The dispatcher has taken no turn for {silent:.0f} s; jobs wait."
        return self._failing

    def tell_settings(self, values: Mapping[str, Any]) -> None:
        """Tell every worker, now and later, what is stored of the installation's settings."""
        self._reception.tell_settings(values)

    async def start(self) -> None:
        """Listen, and begin to take turns."""
        await self._peers.tending.start()
        await self.listener.start()
        for door in self.doors:
            await door.start()
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    async def stop(self) -> None:
        """Hand out nothing more, record what has arrived, and let the workers go on alone."""
        if self._task is None:
            return
        self._stopping = True
        self._inbox.wake.set()
        try:
            async with asyncio.timeout(stop_seconds_max):
                await self._task
        except TimeoutError:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = None
        for door in self.doors:
            await door.stop()
        await self.listener.stop()
        await self._peers.tending.stop()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._tick()
                failures, self._failing = 0, None
                if self._stopping and not self._inbox.ended:
                    return
            except Exception as error:
                failures += 1
                self._failing = f"The dispatcher's turns fail ({type(error).__name__}); jobs wait."
                self._failed = True
                # What this turn was for is still to be done.
                self._inbox.wake.set()
                log.exception("dispatcher.turn.failed", failures=failures)
                await asyncio.sleep(min(failure_seconds_max, failure_seconds_min * 2**failures))
            await self._rest()

    async def _rest(self) -> None:
        """Wait until something happens, a job is due, or it is time to look after leases."""
        if self._stopping:
            return
        seconds = self._options.tick_seconds
        if self._next_due_at is not None:
            due_in = (self._next_due_at - self._peers.clock.now()) / MICROSECONDS_PER_SECOND
            seconds = min(seconds, max(0.0, due_in))
        # Other work of this process gets its time between two turns, unless it had it.
        busy = self._claimed > 0 or self._inbox.wake.is_set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._inbox.wake.wait()
        seconds = pause_of(self._claimed, self.sessions.values(), len(self._inbox.ended))
        if seconds or busy:
            await asyncio.sleep(seconds)

    async def _tick(self) -> None:
        now = self._peers.clock.monotonic()
        if now - self._ticked >= self._options.tick_seconds:
            self._ticked = now
            tended = await self._peers.tending.tend(self._reception, self._inbox.take_beats())
            # A job that was announced during the look may be missing from it.
            known = self._next_due_at if self._peers.tending.leads else None
            self._next_due_at = min(filter(None, (tended.next_due_at, known)), default=None)
            # An announcement may be lost on its way from another process.
            if tended.look or (tended.has_ready and self._demands()):
                self._inbox.wake.set()
            self._looked = self._looked if tended.has_ready else now
        if self._is_due(now):
            self._looked = now
            self._inbox.wake.clear()
            await self._turn()

    def _is_due(self, now: float) -> bool:
        """Return whether something happened, a job is due, or it is time to look all the same."""
        inbox, due_at = self._inbox, self._next_due_at
        busy = inbox.wake.is_set() or inbox.ended or inbox.begun
        if busy or now - self._looked >= self._options.look_seconds:
            return True
        return due_at is not None and due_at <= self._peers.clock.now()

    async def _turn(self) -> None:
        if self._failed:
            await self._give_back_strays()
            self._failed = False
        ended = self._inbox.ended[: self._options.jobs_per_turn_max]
        await self._begin(ended)
        await self._peers.logs.flush()
        self._inbox.take(len(ended))  # Not before: what fails above is still to be recorded.
        if ended:
            crash_point("dispatch_before_finish")
        followed = [one for one in ended if not one.is_plain]
        plain = [one for one in ended if one.is_plain] if followed else ended
        moves, demands = self._moves_due(), self._demands()
        crash_point("dispatch_before_claim")
        self._peers.signals.look()
        turn, done = await take_turn(
            self._peers.dispatching,
            [end.ended for end in plain],
            [end.ended for end in followed],
            demands,
            self._ring,
            leads=moves,
        )
        if ended:
            crash_point("dispatch_after_finish")
        if isinstance(done, BaseException):
            self._inbox.put_back(followed)
        else:
            self._settle(followed, done)
            self._note(done)
        if isinstance(turn, BaseException):
            self._inbox.put_back(plain)
            self._expect(self._peers.clock.now() if moves else None)
        else:
            self._ring = turn.ring
            self._expect(turn.next_due_at)
            self._settle(plain, turn.ended)
            self._note(turn.ended)
            self._claimed = sum(map(len, turn.claimed.values()))
            await self._assign(turn, demands)
        for failure in (turn, done):
            if isinstance(failure, BaseException):
                raise failure
        all_found = 0 < self._claimed == sum(demand.slots for demand in demands)
        if self._inbox.ended or (all_found and self._demands()):
            self._inbox.wake.set()

    def _moves_due(self) -> bool:
        """Return whether this turn shall put due jobs in line; only the leader does."""
        if self._next_due_at is None or self._next_due_at > self._peers.clock.now():
            return False
        self._next_due_at = None  # What is announced while the turn runs may be sooner.
        return self._peers.tending.leads

    async def _give_back_strays(self) -> None:
        """Put jobs back that the books give to workers of this process and that none of them has.

        A turn that failed half-way may have claimed them, and nobody else would look for them as
        long as those workers live.
        """
        booked = await self._peers.dispatching.booked(list(self.sessions))
        over = {(end.ended.id, end.ended.epoch) for end in self._inbox.ended}
        strays = []
        for job in booked:
            session = self.sessions.get(job.worker_id or "")
            known = session is None or session.holds(job.id, job.epoch) is not None
            if not known and (job.id, job.epoch) not in over:
                strays.append(job)
        if strays:
            log.warning("dispatcher.claims.given_back", jobs=len(strays))
            await self._peers.dispatching.give_back(strays, seconds=0)
            self._inbox.wake.set()

    async def _begin(self, ended: Sequence[Arrived]) -> None:
        """Mark what has started; a job that has also ended needs no mark, unless it is followed."""
        begun = self._inbox.begun.copy()
        if not begun:
            return
        over = {(end.ended.id, end.ended.epoch) for end in ended}
        rest = [one for one in begun if not one[1].followed]
        plain = [one for one in rest if (one[0].id, one[0].epoch) not in over]
        followed = [one for one in begun if one[1].followed]
        refused = await mark_begun(self._peers.dispatching, plain, followed)
        del self._inbox.begun[: len(begun)]
        for begin, job in begun:
            if begin not in refused:
                self._peers.signals.changed(job, JobState.RUNNING)

    def _demands(self) -> list[Demand]:
        if self._stopping:
            return []
        sessions = sorted(self.sessions.values(), key=lambda one: len(one.held) / one.slots)
        held = sum(len(session.held) for session in sessions)
        room = min(self._options.dispatched_max - held, self._options.jobs_per_turn_max)
        demands = []
        for session in sessions:
            demand = session.demand(room, seated=self._peers.dispatching.choosing.active)
            if demand.slots > 0:
                demands.append(demand)
                room -= demand.slots
        return demands

    def _settle(self, ended: Sequence[Arrived], done: Sequence[Job | Ended]) -> None:
        """Tell the workers that their outcomes are durable, and everybody else what became."""
        if not ended:
            return
        peers = self._peers
        peers.signals.figures.fenced += len(ended) - len(done)
        by_session: dict[Session, list[Held]] = {}
        for end in ended:
            by_session.setdefault(end.session, []).append(Held(end.ended.id, end.ended.epoch))
        for session, held in by_session.items():
            session.taken(held)
        held_by = {end.ended.id: end.job for end in ended}
        changed, watched = peers.signals.changed, peers.logs.showing or peers.arrivals.awaited
        if not watched:
            peers.signals.succeeded([held_by[one.id] for one in done if isinstance(one, Ended)])
            done = [one for one in done if isinstance(one, Job)]
        for one in done:
            if watched:
                # Whoever watches has read the last line when the job's end is told.
                peers.logs.show_now(LogKey(one.tenant_id, one.id, one.epoch))
            if isinstance(one, Job):
                changed(one)
            else:
                changed(held_by[one.id], one.state)
            if watched:
                peers.arrivals.arrived(LogKey(one.tenant_id, one.id, one.epoch))

    def _note(self, done: Sequence[Job | Ended]) -> None:
        """Remember when the next of `done` is to run again."""
        for job in done:
            if isinstance(job, Ended) or job.state.final:
                continue
            if job.state is JobState.QUEUED:
                self._inbox.wake.set()
            elif job.state is JobState.SCHEDULED:
                self._peers.signals.retried(job)
                self._expect(job.due_at)

    async def _assign(self, turn: Turn, demands: Sequence[Demand]) -> None:
        if turn.again:
            self._inbox.wake.set()
        if any(turn.claimed.values()):
            crash_point("dispatch_after_claim")
        for demand in demands:
            if not (jobs := turn.claimed.get(demand.worker_id)):
                continue
            session = self.sessions.get(demand.worker_id)
            if session is None or session.generation != demand.generation:
                # Its worker left during the turn, if it is back, and has never heard of them.
                await self._peers.dispatching.give_back(jobs, seconds=0)
                self._inbox.wake.set()
                continue
            # They count as held before anything else is awaited, so that no slot is given twice.
            session.held.update((job.id, job) for job in jobs)
            try:
                session.assign(await self._assignments(session, jobs))
            except BaseException:
                for job in jobs:
                    session.held.pop(job.id, None)
                raise
            crash_point("dispatch_after_assign")

    async def _assignments(self, session: Session, jobs: Sequence[Claimed]) -> list[Assignment]:
        """Return what the worker needs for its jobs; what has no assignment is put back."""
        found = []
        assignments, signals = self._peers.assignments, self._peers.signals
        signals.leased(jobs)
        for job in jobs:
            try:
                if (function := job.function) is not None:
                    session.check_function(function)
                if function is not None and not assignments.refers(job):
                    found.append(assignments.of_function(job))
                else:
                    found.append(await assignments.of(job))
            except Exception as error:  # noqa: BLE001 - one job's script must not stop the others
                log.warning("dispatcher.assign.failed", reason=str(error), **job_fields(job))
                session.held.pop(job.id, None)
                await self._peers.dispatching.give_back([job], seconds=give_back_seconds)
        return found

    def _ready(self, due_at: int) -> None:
        if due_at <= self._peers.clock.now() or self._expect(due_at):
            self._inbox.wake.set()

    def _expect(self, due_at: int | None) -> bool:
        """Note what is due at `due_at`; return whether that is sooner than all that was known."""
        if due_at is None or (self._next_due_at is not None and self._next_due_at <= due_at):
            return False
        self._next_due_at = due_at
        return True

    def _cancel(self, job_id: str, epoch: int) -> None:
        for session in self.sessions.values():
            session.cancel(job_id, epoch)

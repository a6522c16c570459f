"""Settles occurrences when their jobs have ended: at once by fact, and by a look in the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from msgspec import Struct, structs

from tidemill.core.actor import system
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.errors import RateLimited, TidemillError, Unavailable
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.jobs.contract import JobFinished, JobState
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.queueing.queue.models import Job, error_message, raw
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.scheduling.occurrences.models import (
    TRIGGER,
    Occurrence,
    OccurrenceState,
    settled_state,
)
from tidemill.jobs.scheduling.occurrences.service import Occurrences
from tidemill.jobs.scheduling.schedules.models import Schedule
from tidemill.jobs.scheduling.schedules.requests import handler_request
from tidemill.jobs.scheduling.settling.models import HANDLER, Ended, handlers_for, run_data

log = structlog.get_logger(__name__)

stale_seconds: Final = 60
stale_max: Final = 200
_FIRST: Final = (Instant(0), "")


class _Handling(Struct, frozen=True, kw_only=True):
    """What the handlers start, which are refused and why, and after how many failures."""

    orders: Sequence[tuple[str, Order]] = ()
    refusals: Sequence[str] = ()
    failures: int = 0


class Settling:
    """Writes how runs ended, starts their handlers, and lets others follow."""

    def __init__(
        self, jobs: Database, clock: Clock, queue: JobService, occurrences: Occurrences
    ) -> None:
        self._database = jobs
        self._clock = clock
        self._queue = queue
        self._book = occurrences
        self._looked_through = _FIRST

    async def react(self, recorded: RecordedFact) -> None:
        """Settle the occurrence whose job's end `recorded` tells."""
        fact = decode_fact(recorded, JobFinished)
        if fact.trigger_id is None or not fact.trigger_id.startswith(TRIGGER):
            return
        ended = Ended(
            state=fact.state,
            started_at=fact.started_at,
            finished_at=fact.finished_at,
            result=fact.result,
            error=fact.error,
        )
        try:
            await self.settle(recorded.tenant_id, fact.trigger_id.removeprefix(TRIGGER), ended)
        except RateLimited as later:
            # A full queue takes no handler yet; the sweep asks again, and other facts go on.
            log.warning("schedules.settling.delayed", code=later.code)

    async def settle_job(self, job: Job) -> None:
        """Settle the occurrence whose job has ended, where no fact tells of it; safe to repeat."""
        if job.state.final and job.trigger_id is not None and job.trigger_id.startswith(TRIGGER):
            occurrence_id = job.trigger_id.removeprefix(TRIGGER)
            await self.settle(job.tenant_id, occurrence_id, ended_of(job))

    async def settle(self, tenant_id: TenantId, occurrence_id: str, ended: Ended) -> None:
        """Write how an occurrence ended; safe to repeat."""

        def read(tx: Tx) -> tuple[Occurrence, Schedule | None] | None:
            found = self._book.rows.find(tx, occurrence_id)
            if found is None or found.state is not OccurrenceState.STARTED:
                return None
            return found, self._book.schedules.find(tx, found.schedule_id)

        written = False
        while not written:
            known = await self._database.read(tenant_id, read)
            if known is None:
                return
            occurrence, schedule = known
            handling = _Handling()
            if schedule is not None:
                handling = await self._orders(tenant_id, schedule, occurrence, ended)
            # Not when another run has ended meanwhile: it may be a recovery now, or none any more.
            written = await self._database.write(
                tenant_id, partial(self._write, occurrence, ended.state, handling)
            )

    async def sweep(self) -> None:
        """Settle a portion of what has run for a while and whose end was not heard of."""
        before = Instant(self._clock.now() - stale_seconds * MICROSECONDS_PER_SECOND)

        def read(tx: Tx) -> list[tuple[str, str, str, Instant]]:
            return self._book.rows.stale(
                tx, after=self._looked_through, before=before, limit=stale_max
            )

        found = await self._database.read(INSTALLATION, read)
        # Round and round: long runs must not hide the others.
        is_full = len(found) == stale_max
        self._looked_through = (found[-1][3], found[-1][1]) if is_full else _FIRST
        for tenant_id, occurrence_id, job_id, _ in found:
            try:
                await self._check(TenantId(tenant_id), occurrence_id, job_id)
            except TidemillError as later:
                # A full queue takes no handler yet, and other tenants' runs must not wait for it.
                log.warning(
                    "schedules.sweep.delayed",
                    tenant_id=tenant_id,
                    occurrence_id=occurrence_id,
                    code=later.code,
                )
            except Exception:
                log.exception(
                    "schedules.sweep.failed", tenant_id=tenant_id, occurrence_id=occurrence_id
                )

    async def _check(self, tenant_id: TenantId, occurrence_id: str, job_id: str) -> None:
        try:
            job = await self._queue.get(job_id, actor=system("scheduler", tenant_id))
        except JobNotFound:
            gone = Ended(state=JobState.FAILED, error="Its job is not known any more.")
            await self.settle(tenant_id, occurrence_id, gone)
            return
        if job.state.final:
            await self.settle(tenant_id, occurrence_id, ended_of(job))

    async def _orders(
        self, tenant_id: TenantId, schedule: Schedule, occurrence: Occurrence, ended: Ended
    ) -> _Handling:
        state, _ = settled_state(ended.state)
        handlers = handlers_for(schedule, state)
        run = run_data(schedule, occurrence, ended)
        orders, refusals = [], []
        for name, handler in handlers.items():
            request = handler_request(handler, run, trigger_id=f"{HANDLER}{occurrence.id}")
            try:
                by = system(f"schedule:{schedule.path}", tenant_id)
                actor = await self._book.actor(schedule, by)
                orders.append((name, await self._queue.prepare(request, actor=actor)))
            except (RateLimited, Unavailable):
                # Nothing is wrong with the handler: the run is settled when it can be started.
                raise
            except TidemillError as refused:
                # The run has ended all the same, and its end must be written.
                refusals.append(_refusal(schedule, name, refused))
        return _Handling(orders=orders, refusals=refusals, failures=schedule.failures)

    def _write(self, occurrence: Occurrence, state: JobState, handling: _Handling, tx: Tx) -> bool:
        """Write the end; return False when the handlers were chosen by what holds no more."""
        schedule = self._book.schedules.find(tx, occurrence.schedule_id, lock=True)
        ending, reason = settled_state(state)
        if schedule is None:
            ended = structs.replace(occurrence, state=ending, reason=reason, finished_at=tx.now)
            self._book.rows.change(tx, ended, before=OccurrenceState.STARTED)
            return True
        if handling.failures != schedule.failures and schedule.definition.handlers:
            return False
        known = self._book.rows.find(tx, occurrence.id, lock=True)
        if known is None or known.state is not OccurrenceState.STARTED:
            return True
        reasons = [*([] if reason is None else [reason]), *handling.refusals]
        for name, order in handling.orders:
            try:
                self._queue.enqueue_in(tx, order)
            except (RateLimited, Unavailable):
                raise
            except TidemillError as refused:
                reasons.append(_refusal(schedule, name, refused))
        self._book.end(tx, schedule, occurrence, ending, "; ".join(reasons) or None)
        failures = 0 if ending is OccurrenceState.SUCCEEDED else schedule.failures + 1
        if failures != schedule.failures:
            self._book.schedules.count_failures(tx, schedule.id, failures)
        return True


def _refusal(schedule: Schedule, name: str, refused: TidemillError) -> str:
    log.warning(
        "schedules.handler.refused", schedule=schedule.path, handler=name, code=refused.code
    )
    return f"{name} was refused: {refused.message}"


def ended_of(job: Job) -> Ended:
    """Return how a job that has ended came to its end."""
    return Ended(
        state=job.state,
        started_at=job.started_at,
        finished_at=job.finished_at,
        result=raw(job.result),
        error=error_message(job),
    )

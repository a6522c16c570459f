"""The scheduler's transactions; each is safe to run again, and beside those of others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct, structs

from tidemill.core.actor import Actor, system
from tidemill.core.clock import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, Instant
from tidemill.core.errors import RateLimited, TidemillError, Unavailable
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.scheduling.calendars.models import CalendarRule
from tidemill.jobs.scheduling.occurrences.deciding import Decision, Verdict, decide
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState, Origin
from tidemill.jobs.scheduling.occurrences.planning import Plan, plan
from tidemill.jobs.scheduling.occurrences.service import Occurrences, open_max
from tidemill.jobs.scheduling.schedules.models import Schedule
from tidemill.jobs.scheduling.schedules.requests import job_request
from tidemill.jobs.scheduling.schedules.timetables import Timetable

awake_max: Final = 100
pruned_max: Final = 5_000
retry_seconds: Final = 10

Orders = Mapping[str, Order | TidemillError]
"""What pending occurrences would start, by their ids, or why they cannot."""


class _Look(Struct, frozen=True, kw_only=True):
    """A schedule with what waits and runs of it, and what is to be done about that."""

    schedule: Schedule
    pending: Sequence[Occurrence]
    running: Sequence[Occurrence]
    decisions: Sequence[Decision]


class Firing:
    """Turns due times into occurrences, and occurrences into jobs."""

    def __init__(self, jobs: Database, queue: JobService, occurrences: Occurrences) -> None:
        self._database = jobs
        self._queue = queue
        self._book = occurrences

    async def awake(self) -> tuple[Sequence[tuple[TenantId, str]], Instant | None]:
        """Return the schedules that have to be looked at, and when the next one has to be."""

        def use_case(tx: Tx) -> tuple[Sequence[tuple[TenantId, str]], Instant | None]:
            found, next_at = self._book.schedules.awake(tx, awake_max)
            return [(TenantId(tenant), id_) for tenant, id_ in found], next_at

        return await self._database.read(INSTALLATION, use_case)

    async def advance(self, tenant_id: TenantId, schedule_id: str) -> None:
        """Write what has come due of a schedule, and start what can start."""
        await self._plan(tenant_id, schedule_id)
        look = await self._database.read(tenant_id, partial(self._look, schedule_id))
        if look is None:
            return
        orders = await self._orders(look, tenant_id)
        await self._database.write(tenant_id, partial(self._apply, schedule_id, orders))

    async def postpone(self, tenant_id: TenantId, schedule_id: str, seconds: float) -> None:
        """Look at a schedule that could not be advanced again after a while, not at once."""

        def use_case(tx: Tx) -> None:
            schedule = self._book.schedules.find(tx, schedule_id, lock=True)
            if schedule is None or schedule.wake_at is None or schedule.wake_at > tx.now:
                return
            later = Instant(tx.now + int(seconds * MICROSECONDS_PER_SECOND))
            self._book.schedules.save(tx, structs.replace(schedule, wake_at=later))

        await self._database.write(tenant_id, use_case)

    async def prune(self, *, now: Instant, days: int) -> bool:
        """Delete a portion of what ended more than `days` ago; return whether that was all."""
        before = Instant(now - days * MICROSECONDS_PER_DAY)
        pruned = await self._database.write(
            INSTALLATION, lambda tx: self._book.rows.prune(tx, before=before, limit=pruned_max)
        )
        return pruned < pruned_max

    async def _plan(self, tenant_id: TenantId, schedule_id: str) -> None:
        def read(tx: Tx) -> tuple[Schedule, CalendarRule, Instant] | None:
            schedule = self._book.schedules.find(tx, schedule_id)
            if schedule is None or not schedule.enabled or schedule.paused(tx.now):
                return None
            return schedule, self._book.rule(tx, schedule), tx.now

        found = await self._database.read(tenant_id, read)
        if found is None:
            return
        schedule, rule, now = found
        due = schedule.next_at is not None and schedule.next_at <= now
        if not due and schedule.paused_at is None:
            return
        planned = Plan()
        if not schedule.definition.follows:
            timetable = Timetable(schedule.definition, rule, schedule.anchor_at)
            # After a long absence there are many, and nothing else may wait for that.
            planned = await asyncio.to_thread(plan, schedule, timetable, now=now)
        await self._database.write(tenant_id, partial(self._write, schedule, rule, planned))

    def _write(self, seen: Schedule, rule: CalendarRule, planned: Plan, tx: Tx) -> None:
        schedule = self._book.schedules.find(tx, seen.id, lock=True)
        if schedule is None or (schedule.version, schedule.next_at) != (seen.version, seen.next_at):
            # Somebody changed or fired it meanwhile; it is looked at again.
            return
        if self._book.rule(tx, schedule) != rule:
            # So were its days, though the due time that has come is one of both.
            return
        for row in planned.rows:
            self._book.add(tx, schedule, row)
        behind = planned.next_at is not None and planned.next_at <= tx.now
        if not behind:
            schedule = structs.replace(schedule, paused_at=None, paused_until=None)
        self._book.schedules.save(
            tx, structs.replace(schedule, next_at=planned.next_at, wake_at=tx.now)
        )

    def _look(self, schedule_id: str, tx: Tx) -> _Look | None:
        schedule = self._book.schedules.find(tx, schedule_id)
        return None if schedule is None else self._seen(tx, schedule)

    def _seen(self, tx: Tx, schedule: Schedule) -> _Look:
        rows = self._book.rows
        pending = rows.open(tx, schedule.id, OccurrenceState.PENDING, open_max)
        running = rows.open(tx, schedule.id, OccurrenceState.STARTED, open_max)
        findings = self._book.findings(tx, schedule, pending)
        decisions = decide(
            schedule,
            list(zip(pending, findings, strict=True)),
            running=Counter(one.origin for one in running),
            now=tx.now,
        )
        return _Look(schedule=schedule, pending=pending, running=running, decisions=decisions)

    async def _orders(self, look: _Look, tenant_id: TenantId) -> Orders:
        starting = [
            occurrence
            for occurrence, decision in zip(look.pending, look.decisions, strict=True)
            if decision.verdict is Verdict.START
        ]
        if not starting:
            return {}
        try:
            actor = await self._book.actor(look.schedule, _system(look.schedule, tenant_id))
        except TidemillError as refused:
            return {occurrence.id: refused for occurrence in starting}
        return {one.id: await self._order(look.schedule, one, actor) for one in starting}

    async def _order(
        self, schedule: Schedule, occurrence: Occurrence, actor: Actor
    ) -> Order | TidemillError:
        request = job_request(
            schedule.definition, occurrence.due_at, trigger_id=occurrence.trigger_id
        )
        try:
            return await self._queue.prepare(request, actor=actor)
        except TidemillError as refused:
            return refused

    def _apply(self, schedule_id: str, orders: Orders, tx: Tx) -> None:
        schedule = self._book.schedules.find(tx, schedule_id, lock=True)
        if schedule is None:
            return
        look = self._seen(tx, schedule)
        wakes = [self._rest(schedule, tx.now)]
        for occurrence, decision in zip(look.pending, look.decisions, strict=True):
            match decision.verdict:
                case Verdict.SKIP:
                    self._book.skip(tx, schedule, occurrence, decision.reason or "")
                case Verdict.WAIT:
                    self._book.rows.say(tx, [(occurrence.id, decision.reason or "")])
                    wakes.append(decision.wake_at)
                case Verdict.START:
                    wakes.append(self._start(tx, schedule, occurrence, orders.get(occurrence.id)))
        if any(decision.cancel for decision in look.decisions):
            self._cancel(tx, schedule, look.running)
        if len(look.pending) == open_max:
            self._book.skip_surplus(tx, schedule)
            wakes.append(Instant(tx.now + retry_seconds * MICROSECONDS_PER_SECOND))
        wake_at = min((at for at in wakes if at is not None), default=None)
        self._book.schedules.save(tx, structs.replace(schedule, wake_at=wake_at))

    @staticmethod
    def _rest(schedule: Schedule, now: Instant) -> Instant | None:
        """Return when the schedule itself has to be looked at again."""
        if not schedule.enabled:
            return None
        if schedule.paused(now):
            return schedule.paused_until
        return schedule.next_at

    def _start(
        self,
        tx: Tx,
        schedule: Schedule,
        occurrence: Occurrence,
        order: Order | TidemillError | None,
    ) -> Instant | None:
        """Start the job of an occurrence; return when to try again where it cannot start yet."""
        if order is None:
            # It has become ready since the last look.
            return tx.now
        try:
            if isinstance(order, TidemillError):
                raise order
            job = self._queue.enqueue_in(tx, order)
        except (RateLimited, Unavailable) as away:
            self._book.rows.say(tx, [(occurrence.id, away.message)])
            return Instant(tx.now + retry_seconds * MICROSECONDS_PER_SECOND)
        except TidemillError as refused:
            reason = f"its job was refused: {refused.message}"
            self._book.skip(tx, schedule, occurrence, reason)
            return None
        if job.found_by is None:
            self._book.start(tx, schedule, occurrence, job.id)
        else:
            # Its end settles the due time that it was made for, and no other.
            reason = f"the job {job.public_id} stands for it already ({job.found_by})"
            self._book.skip(tx, schedule, occurrence, reason)
        return None

    def _cancel(self, tx: Tx, schedule: Schedule, running: Sequence[Occurrence]) -> None:
        for occurrence in running:
            # What somebody asked for, by hand or to fill a range, runs whatever else does.
            if occurrence.job_id is not None and occurrence.origin == Origin.SCHEDULE:
                self._queue.cancel_in(tx, [occurrence.job_id], _system(schedule, tx.tenant_id))


def _system(schedule: Schedule, tenant_id: TenantId) -> Actor:
    return system(f"schedule:{schedule.path}", tenant_id)

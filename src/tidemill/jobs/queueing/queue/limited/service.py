"""Jobs that something limits: who stands for them, what answers them, and when they may start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, rfc3339
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobState
from tidemill.jobs.limit_errors import JobNotUnique
from tidemill.jobs.limits.models import Concurrency, Debounce, OnConflict, Strategy, Unique
from tidemill.jobs.limits.repository import LimitRepository, Marks
from tidemill.jobs.limits.stands.repository import Stand, StandRepository
from tidemill.jobs.queueing.queue.limited.repository import LimitedRepository
from tidemill.jobs.queueing.queue.models import Job, actor_of, ending_fact, finished, starter_of
from tidemill.jobs.queueing.queue.plans import CANCELLED_BY, Plan, displaced, limits_in
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.sight import EVERYTHING, Reach
from tidemill.jobs.queueing.queue.signals import Signals

OrderKey = Callable[[Job], int]
holders_shown_max: Final = 3
ahead_max: Final = 1_000
ended_per_commit_max: Final = 200
surplus_looks_max: Final = 5
"""How often others are looked for in place of jobs that may not be ended."""


class Limited:
    """What limits do within the transaction that accepts a job, or in which its time has come."""

    def __init__(self, signals: Signals, order_key: OrderKey) -> None:
        self._signals = signals
        self._order_key = order_key
        self._jobs = JobRepository()
        self._limited = LimitedRepository()
        self._limits = LimitRepository()
        self._stands = StandRepository()

    def standing(self, tx: Tx, job: Job, plan: Plan, *, by: Actor) -> Job | None:
        """Return the job that stands for a new one already; else that one stands from now on.

        Raises `JobNotUnique` where the limits want it.
        """
        unique, debounce = plan.limits.unique, plan.limits.debounce
        if unique is not None and plan.unique_key is not None:
            return self._unique(tx, job, unique, plan.unique_key)
        if debounce is not None and plan.debounce_key is not None:
            return self._merged(tx, job, debounce, plan.debounce_key, by)
        return None

    def placed(self, tx: Tx, job: Job, plan: Plan, reach: Reach = EVERYTHING) -> Job:
        """Return a job that was just added, as its limits leave it: answered, in line, or ready."""
        gate = plan.gate if job.state is JobState.WAITING else None
        marks = Marks(
            state=job.state,
            concurrency_key=plan.concurrency_key,
            rate_key=plan.rate_key,
            cache_key=plan.cache_key,
            expires_at=job.expires_at,
            waits_for=None if gate is None else gate[0],
            gate_key=None if gate is None else gate[1],
        )
        self._limits.mark(tx, job.tenant_id, job.id, marks)
        if job.expires_at is not None:
            tx.after_commit(partial(self._signals.ready, job.expires_at))
        if plan.cache_key is not None and job.state is not JobState.SCHEDULED:
            answered = self.answered(tx, job, plan.cache_key)
            if answered is not None:
                return answered
        if gate is None:
            return job
        self.pass_gates(tx, job, reach)
        return self._jobs.find(tx, job.id) or job

    def pass_gates(self, tx: Tx, job: Job, reach: Reach) -> bool:
        """Let a job in line through as far as its limits allow; return whether any may start.

        One for which there is no room is cancelled, or others are, as its limits say: of these
        only what its starter may steer, as `reach` tells.
        """
        limits, tenant = limits_in(job.limits or "{}"), job.tenant_id
        started: set[str] = set()
        # Slots are locked before buckets, as where a slot is handed on.
        if job.concurrency_key is not None and limits.concurrency is not None:
            self._limits.keep_slots(tx, tenant, job.concurrency_key, limits.concurrency.limit)
        if job.rate_key is not None and limits.rate is not None:
            interval, burst = limits.rate.interval_microseconds, limits.rate.tokens
            self._limits.keep_bucket(tx, tenant, job.rate_key, interval=interval, burst=burst)
        if job.concurrency_key is not None and limits.concurrency is not None:
            rule = limits.concurrency
            cancels = rule.strategy is Strategy.CANCEL_RUNNING
            if cancels and not self._make_room(tx, job, rule.limit, reach):
                # The next transaction goes on with the rest.
                self._limited.enter_again(tx, job.id)
                tx.after_commit(partial(self._signals.ready, tx.now))
                return False
            started |= self._limits.admit(tx, tenant, job.concurrency_key)
            if self._has_no_place(tx, job, job.concurrency_key, rule):
                self._end(tx, displaced(job, tx.now))
                self._count(tx, "concurrency")
        elif job.rate_key is not None:
            started |= self._limits.refill(tx, tenant, job.rate_key)
        if job.rate_key is not None and job.id not in started:
            wake_at = self._limits.wake_at(tx, tenant, job.rate_key)
            if wake_at is not None:
                tx.after_commit(partial(self._signals.ready, wake_at))
        return bool(started)

    def answered(self, tx: Tx, job: Job, cache_key: str) -> Job | None:
        """Return a job at its end, answered by a result that is young enough; None without one."""
        seconds = limits_in(job.limits or "{}").cache_seconds or 0
        earliest = tx.now - int(seconds * MICROSECONDS_PER_SECOND)
        found = self._limited.cached(tx, cache_key, earliest)
        if found is None:
            return None
        id_, result = found
        ended = finished(job, JobState.SUCCEEDED, now=tx.now)
        ended = structs.replace(ended, result=result, cached_from=id_)
        self._end(tx, ended)
        self._limited.from_cache(tx, ended, id_)
        self._count(tx, "cache")
        return ended

    def told(self, tx: Tx, job: Job) -> str:
        """Return which limit a job waits for, and how long the line is."""
        tenant, kind = job.tenant_id, job.waits_for or ""
        if kind == "concurrency":
            key = job.concurrency_key or ""
            slots = self._limits.slots(tx, tenant, key) or 0
            by = ", ".join(self._limits.holders(tx, tenant, key, holders_shown_max))
            what = f"a slot of the concurrency key {key}: all {slots} are taken"
            what += f", first by {by}" if by else ""
        elif kind == "rate":
            key = job.rate_key or ""
            wake_at = self._limits.wake_at(tx, tenant, key)
            what = f"its turn at the rate of the key {key}"
            what += (
                "" if wake_at is None else f": the next may start at {rfc3339(Instant(wake_at))}"
            )
        else:
            return "Its limits are asked at once."
        ahead = self._limits.ahead(tx, tenant, job.id, (kind, key), ahead_max)
        more = " or more" if ahead >= ahead_max else ""
        return f"It waits for {what}. {ahead}{more} in line before it."

    def _unique(self, tx: Tx, job: Job, unique: Unique, key: str) -> Job | None:
        stand = self._stands.lock(tx, "unique", key)
        known = self._jobs.find(tx, stand.job_id) if stand.job_id else None
        if known is not None and (not known.state.final or stand.until_at > tx.now):
            self._count(tx, "unique")
            if unique.on_conflict is OnConflict.REFUSE:
                raise JobNotUnique(known.public_id)
            return structs.replace(known, found_by="unique")
        until_at = tx.now + int((unique.window_seconds or 0) * MICROSECONDS_PER_SECOND)
        self._stands.write(tx, "unique", key, Stand(job.id, tx.now, until_at))
        return None

    def _merged(self, tx: Tx, job: Job, debounce: Debounce, key: str, by: Actor) -> Job | None:
        stand = self._stands.lock(tx, "debounce", key)
        if stand.job_id and self._limited.mergeable(tx, stand.job_id, job.work_item_id):
            due_at = job.due_at
            if debounce.max_seconds is not None:
                latest = stand.since_at + int(debounce.max_seconds * MICROSECONDS_PER_SECOND)
                due_at = Instant(min(due_at, max(latest, tx.now)))
            merged = structs.replace(job, due_at=due_at)
            self._limited.replace(tx, stand.job_id, merged, self._order_key(merged))
            tx.audit("jobs.jobs.replace", by=by, resource=f"job:{stand.job_id}")
            tx.after_commit(partial(self._signals.ready, due_at))
            self._count(tx, "debounce")
            known = self._jobs.find(tx, stand.job_id)
            return None if known is None else structs.replace(known, found_by="debounce")
        self._stands.write(tx, "debounce", key, Stand(job.id, tx.now, tx.now))
        return None

    def _has_no_place(self, tx: Tx, job: Job, key: str, rule: Concurrency) -> bool:
        most = 0 if rule.strategy is Strategy.CANCEL_NEWEST else rule.waiting_max
        if most is None or self._limited.has_slot(tx, job.id):
            return False
        return self._limits.line_length(tx, job.tenant_id, key, most + 1) > most

    def _make_room(self, tx: Tx, job: Job, limit: int, reach: Reach) -> bool:
        """Cancel the oldest jobs of a key beyond its limit, this one counted; return if all are.

        Those that whoever started the job may not steer go on.
        """
        rows = self._surplus(tx, job, limit, reach)
        for id_ in rows[:ended_per_commit_max]:
            old = self._jobs.lock(tx, id_)
            if old is None:
                continue
            if old.worker_id is None:
                self._end(tx, displaced(old, tx.now))
            else:
                self._jobs.request_cancel(tx, old.id, CANCELLED_BY)
                tx.after_commit(partial(self._signals.cancel, old.id, old.epoch))
            self._count(tx, "concurrency")
        return len(rows) <= ended_per_commit_max

    def _surplus(self, tx: Tx, job: Job, limit: int, reach: Reach) -> list[str]:
        """Return jobs that make room for a newer one, one more than are ended at once."""
        by, key = starter_of(job), job.concurrency_key or ""
        passed: set[int] = set()
        rows: list[tuple[str, int]] = []
        for _ in range(surplus_looks_max):
            rows = self._limited.surplus(
                tx, key, kept=limit, passed=passed, limit=ended_per_commit_max + 1
            )
            specs = self._limited.specs(tx, {spec_id for _, spec_id in rows})
            others = {id_ for id_, spec in specs.items() if not reach.steers(spec, by)}
            if not others:
                break
            passed |= others
        return [id_ for id_, spec_id in rows if spec_id not in passed]

    def _end(self, tx: Tx, job: Job) -> None:
        if self._jobs.finish(tx, job):
            tx.after_commit(partial(self._signals.ready, tx.now))
        fact = ending_fact(job)
        if fact is not None:
            tx.record(fact, by=actor_of(job))
        tx.after_commit(partial(self._signals.changed, job))

    def _count(self, tx: Tx, kind: str) -> None:
        tx.after_commit(partial(self._signals.figures.limited.add, kind))

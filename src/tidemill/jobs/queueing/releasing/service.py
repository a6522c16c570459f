"""What the dispatcher does for jobs with limits: as their time comes, and as they are taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Final

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.jobs.contract import JobState
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.limits.repository import Due, LimitRepository
from tidemill.jobs.limits.stands.repository import StandRepository
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.limited.service import Limited
from tidemill.jobs.queueing.queue.models import actor_of, ending_fact
from tidemill.jobs.queueing.queue.plans import expired, limits_in
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.sight import Reach, Sight
from tidemill.jobs.queueing.queue.signals import Signals

looks_max: Final = 100
results_per_portion_max: Final = 1_000


class Releasing:
    """Use cases of waiting jobs, of all tenants; each is safe to repeat."""

    def __init__(
        self, jobs: Database, signals: Signals, folders: FolderService | None = None
    ) -> None:
        self._database = jobs
        self._sight = Sight(folders)
        self._signals = signals
        self._jobs = JobRepository()
        self._limits = LimitRepository()
        self._gates = GateRepository()
        self._stands = StandRepository()
        self._limited = Limited(signals, lambda job: job.due_at)

    async def advance(self) -> None:
        """Look at all that is due now: each tenant in transactions of its own."""
        for _ in range(looks_max):
            due = await self._database.read(INSTALLATION, self._limits.due)
            if not due:
                return
            by_tenant = sorted(due, key=lambda one: one.tenant_id)
            for tenant, portion in groupby(by_tenant, key=lambda one: one.tenant_id):
                reach = await self._sight.reach(TenantId(tenant))
                work = partial(self._advance, list(portion), reach)
                await self._database.write(TenantId(tenant), work)

    async def taken(self, jobs: Sequence[Claimed]) -> int | None:
        """Look at the rates of jobs that workers have taken: what they held back may go on.

        Return when that is, where it is not now.
        """
        by_tenant: dict[TenantId, list[str]] = {}
        for job in jobs:
            if job.spec.limits is not None and limits_in(job.spec.limits).rate is not None:
                by_tenant.setdefault(job.tenant_id, []).append(job.id)
        wakes = [
            await self._database.write(tenant, partial(self._refill, ids))
            for tenant, ids in by_tenant.items()
        ]
        return min(filter(None, wakes), default=None)

    def tell(self, tx: Tx) -> None:
        """Wake the dispatcher once `tx` has committed: a job may have got a slot in it."""
        tx.after_commit(partial(self._signals.ready, tx.now))

    async def tidy(self, *, before: int) -> None:
        """Drop results that were kept long enough, and keys that nobody uses."""

        def drop(tx: Tx) -> int:
            return self._limits.drop_results(tx, results_per_portion_max)

        def forget(tx: Tx) -> None:
            self._limits.forget(tx, before)
            self._stands.forget(tx, before)

        while await self._database.write(INSTALLATION, drop) == results_per_portion_max:
            pass
        await self._database.write(INSTALLATION, forget)
        for tenant, key in await self._database.read(INSTALLATION, self._gates.miscounted):
            await self._database.write(TenantId(tenant), partial(self._recount, key))

    def _recount(self, key: str, tx: Tx) -> None:
        self._gates.recount(tx, tx.tenant_id, key)
        if self._limits.admit(tx, tx.tenant_id, key):
            self.tell(tx)

    def _advance(self, due: Sequence[Due], reach: Reach, tx: Tx) -> None:
        jobs = [(one.tenant_id, one.name) for one in due if one.kind != "rate"]
        rates = [(one.tenant_id, one.name) for one in due if one.kind == "rate"]
        self._gates.lock(tx, jobs, rates=rates)
        expiring = [one.name for one in due if one.kind == "expired"]
        for id_ in expiring:
            self._expire(tx, id_)
        for one in due:
            if one.kind == "rate":
                self._wake(tx, one.name)
            elif one.kind == "entry" and one.name not in expiring:
                self._enter(tx, one.name, reach)

    def _expire(self, tx: Tx, id_: str) -> None:
        job = self._jobs.lock(tx, id_)
        is_due = job is not None and job.expires_at is not None and job.expires_at <= tx.now
        if job is None or not is_due or job.worker_id is not None:
            return
        ended = expired(job, tx.now)
        if self._jobs.finish(tx, ended):
            self.tell(tx)
        fact = ending_fact(ended)
        if fact is not None:
            tx.record(fact, by=actor_of(ended))
        tx.after_commit(partial(self._signals.changed, ended))
        tx.after_commit(partial(self._signals.figures.limited.add, "expired"))

    def _enter(self, tx: Tx, id_: str, reach: Reach) -> None:
        job = self._jobs.lock(tx, id_)
        if job is None or job.state is not JobState.WAITING or job.waits_for != "entry":
            return
        cache_key = self._limits.cache_key(tx, job.tenant_id, job.id) if not job.attempts else None
        if cache_key is not None and self._limited.answered(tx, job, cache_key) is not None:
            return
        if job.concurrency_key is None and job.rate_key is None:
            self._limits.leave_entry(tx, job.tenant_id, job.id)
            self.tell(tx)
            return
        kind, key = "rate", job.rate_key or ""
        if job.concurrency_key is not None:
            kind, key = "concurrency", job.concurrency_key
        self._limits.enter(tx, job.tenant_id, job.id, kind, key)
        if self._limited.pass_gates(tx, job, reach):
            self.tell(tx)

    def _refill(self, ids: Sequence[str], tx: Tx) -> int | None:
        keys = sorted(self._limits.rate_keys(tx, tx.tenant_id, ids))
        return min(filter(None, [self._wake(tx, key) for key in keys]), default=None)

    def _wake(self, tx: Tx, key: str) -> int | None:
        if self._limits.refill(tx, tx.tenant_id, key):
            self.tell(tx)
        wake_at = self._limits.wake_at(tx, tx.tenant_id, key)
        if wake_at is not None:
            # Another process may be the one that leads.
            tx.after_commit(partial(self._signals.ready, wake_at))
        return wake_at

"""What one can do with jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.core.crash import crash_point
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobId, JobRequest, JobSnapshot, JobState, WorkItemLinks
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.queueing.queue.admitting.service import Admitting
from tidemill.jobs.queueing.queue.alike.service import Alike, are_alike
from tidemill.jobs.queueing.queue.gathering import Gathering
from tidemill.jobs.queueing.queue.limited.service import Limited
from tidemill.jobs.queueing.queue.limits import LimitsFor, QueueLimits
from tidemill.jobs.queueing.queue.lineages import Lineages
from tidemill.jobs.queueing.queue.models import (
    Job,
    actor_of,
    ending_fact,
    finished,
    order_key,
)
from tidemill.jobs.queueing.queue.plans import Plan
from tidemill.jobs.queueing.queue.preparing import Order, Preparing, References, Starters
from tidemill.jobs.queueing.queue.quota import Quota
from tidemill.jobs.queueing.queue.repeats.service import Repeats, in_order
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.requests import Code, is_reference
from tidemill.jobs.queueing.queue.sight import Reach, Sight
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.queue.waits import Waits
from tidemill.jobs.queueing.strategies.service import Door
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.requirements.models import requires_of

look_seconds: Final = 1.0
accepted_per_commit_max: Final = 500


class JobService:
    """Use cases of jobs; fills the port `JOBS`."""

    def __init__(  # noqa: PLR0913 - what the queue stands on
        self,
        jobs: Database,
        clock: Clock,
        limits: QueueLimits,
        *,
        scripts: ScriptService,
        workers: WorkerService,
        signals: Signals,
        links: Callable[[], WorkItemLinks | None],
        limits_for: LimitsFor | None = None,
        functions: FunctionService | None = None,
        door: Door | None = None,
        folders: FolderService | None = None,
        references: References | None = None,
        starters: Starters | None = None,
        waits: Waits | None = None,
    ) -> None:
        self.waits = waits or Waits()
        self.sight = Sight(folders)
        self._database = jobs
        self._clock = clock
        self._limits = limits
        self._workers = workers
        self._signals = signals
        self._jobs = JobRepository()
        self._gates = GateRepository()
        self._limited = Limited(signals, self._order_key)
        quota = Quota(clock.monotonic)
        self._admitting = Admitting(quota, self._limited)
        self._preparing = Preparing(
            limits,
            limits_for,
            scripts=scripts,
            functions=functions,
            door=door,
            folders=folders,
            links=links,
            lineages=Lineages(lambda reference, actor: self.get(reference, actor=actor)),
            references=references,
            starters=starters,
        )
        self.repeats = Repeats(jobs, self._admitting, self.sight)
        self._alike = Alike(jobs, quota, signals, self._order_key)
        self._gathering: Gathering[TenantId, Order, Job] = Gathering(self._commit)

    async def create(
        self, request: JobRequest, *, actor: Actor, once: Once[Job] | None = None
    ) -> Job:
        """Accept a job; return once it is durable. The same `id` gives the same job again.

        So it does when the job's script has changed or gone meanwhile.
        """
        try:
            order = await self.prepare(request, actor=actor)
        except TidemillError as refused:
            return await self.repeats.job(request, refused, actor=actor, once=once)
        if once is None:
            job = await self._gathering.add(actor.tenant_id, order)
        else:
            use_case = partial(self._accept, order, foretold=self._foretell([order]))
            job = await self._database.write(actor.tenant_id, use_case, once=once)
        crash_point("enqueue_after_commit")
        return job

    async def create_many(self, requests: Sequence[JobRequest], *, actor: Actor) -> list[Job]:
        """Accept jobs, a portion in each commit; return them in order.

        All are checked before the first is accepted. Raises the first error that one meets; the
        portions before it stay. What was accepted by its `id` before is that job again.
        """
        prepared: list[Order | Job] = []
        for one in await self.prepare_or_find(requests, actor=actor):
            if isinstance(one, TidemillError):
                raise one
            prepared.append(one)
        jobs: list[Job] = []
        for start in range(0, len(prepared), accepted_per_commit_max):
            portion = prepared[start : start + accepted_per_commit_max]
            orders = [one for one in portion if isinstance(one, Order)]
            for result in in_order(portion, await self._commit(actor.tenant_id, orders)):
                if isinstance(result, Exception):
                    raise result
                jobs.append(result)
        return jobs

    async def create_alike(
        self, request: JobRequest, arguments: Sequence[bytes], *, actor: Actor
    ) -> list[JobId]:
        """Accept jobs that differ in their arguments only: JSON objects that were checked already.

        Returns the ids in order. Raises what `create_many` does.
        """
        # The keys of limits are made of arguments, so those jobs differ in more than these.
        if request.limits is None:
            order = await self.prepare(request, actor=actor)
            if are_alike(order):
                return await self._alike.add(order, arguments)
        requests = [structs.replace(request, args=msgspec.json.decode(one)) for one in arguments]
        return [job.public_id for job in await self.create_many(requests, actor=actor)]

    async def prepare(
        self, request: JobRequest, *, actor: Actor, code: Code | None = None
    ) -> Order:
        """Check a request and look up what it runs, for `enqueue_in`; `code` is known already."""
        return await self._preparing.one(request, actor, code)

    async def prepare_many(
        self, requests: Sequence[JobRequest], *, actor: Actor
    ) -> list[Order | TidemillError]:
        """Prepare each request for `accept_in`, or return what is wrong with it."""
        return await self._preparing.many(requests, actor)

    async def prepare_or_find(
        self, requests: Sequence[JobRequest], *, actor: Actor
    ) -> list[Order | Job | TidemillError]:
        """Do as `prepare_many`; what is refused but was accepted by its `id` before is that job."""
        prepared = await self.prepare_many(requests, actor=actor)
        return await self.repeats.jobs(requests, prepared, actor=actor)

    def enqueue_in(self, tx: Tx, order: Order) -> Job:
        """Accept a job within a transaction on the jobs store that does more than that."""
        return self._accept(order, tx)

    def cancel_in(self, tx: Tx, job_ids: Sequence[str], actor: Actor) -> list[Job]:
        """Cancel live jobs by the ids made here, within a transaction that does more than that.

        Returns those that were live.
        """
        self._gates.lock(tx, [(tx.tenant_id, id_) for id_ in job_ids])
        cancelled = [
            job for id_ in sorted(job_ids) if (job := self._cancel(tx, id_, actor)) is not None
        ]
        for job in cancelled:
            tx.after_commit(partial(self._tell_cancelled, job))
        return cancelled

    async def get(self, reference: str, *, actor: Actor) -> Job:
        """Return a job by the id that its client knows; raises `JobNotFound`."""
        if not is_reference(reference):
            raise JobNotFound(reference)
        found = await self._database.read(
            actor.tenant_id, lambda tx: self._jobs.find(tx, reference)
        )
        if found is None or not await self.sight.sees(found, actor):
            raise JobNotFound(reference)
        return found

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Return whether `actor` may see what a job of its tenant was given and returned."""
        return await self.sight.sees(job, actor)

    async def waiting_for(self, job: Job) -> str | None:
        """Return what a job waits for besides its time and its turn."""
        if job.state is JobState.WAITING:
            return await self._database.read(job.tenant_id, lambda tx: self._limited.told(tx, job))
        if job.state is not JobState.QUEUED:
            return None
        return await self._workers.waiting_for(
            job.tag, job.isolation, requires_of(job.requires), function=job.function
        )

    async def wait_final(self, reference: str, *, seconds: float, actor: Actor) -> Job:
        """Return the job once it is final, or as it is after `seconds` or when this one stops.

        Raises `WaitEnded` when the actor's credential ends meanwhile.
        """
        deadline = self._clock.monotonic() + min(max(seconds, 0.0), self._limits.wait_seconds_max)
        job = await self.get(reference, actor=actor)
        while not job.state.final:
            left = deadline - self._clock.monotonic()
            if left <= 0 or self._signals.ending:
                return job
            # Other processes end jobs too, and this one does not hear of it.
            waiting = asyncio.ensure_future(
                self._signals.wait_finished(job.id, min(left, look_seconds))
            )
            await asyncio.sleep(0)
            job = await self.get(reference, actor=actor)
            if job.state.final:
                waiting.cancel()
                return job
            await waiting
            await self.waits.check(actor)
            job = await self.get(reference, actor=actor)
        return job

    async def cancel_job(self, reference: str, *, actor: Actor) -> Job:
        """End a job that waits, or ask its worker to stop it; a final job stays as it is."""
        known = await self.get(reference, actor=actor)
        if known.state.final:
            return known
        await self.sight.check_steers(known, actor)
        cancelled = await self._database.write(
            actor.tenant_id, lambda tx: self.cancel_in(tx, [known.id], actor)
        )
        return cancelled[0] if cancelled else await self.get(reference, actor=actor)

    async def enqueue(self, request: JobRequest, *, actor: Actor) -> JobSnapshot:
        """See `Jobs.enqueue`."""
        return (await self.create(request, actor=actor)).snapshot()

    async def find(self, reference: str, *, actor: Actor) -> JobSnapshot:
        """See `Jobs.find`."""
        return (await self.get(reference, actor=actor)).snapshot()

    async def wait(self, reference: str, *, seconds: float, actor: Actor) -> JobSnapshot:
        """See `Jobs.wait`."""
        return (await self.wait_final(reference, seconds=seconds, actor=actor)).snapshot()

    async def cancel(self, reference: str, *, actor: Actor) -> JobSnapshot:
        """See `Jobs.cancel`."""
        return (await self.cancel_job(reference, actor=actor)).snapshot()

    async def is_running(self, tenant_id: TenantId, job_id: str, epoch: int) -> bool:
        """Return whether this execution of the job is under way; fills `JOB_LIVENESS`."""
        job = await self._database.read(tenant_id, lambda tx: self._jobs.find(tx, job_id))
        if job is None or job.epoch != epoch:
            return False
        return job.state in {JobState.LEASED, JobState.RUNNING}

    async def _commit(
        self, tenant_id: TenantId, orders: Sequence[Order]
    ) -> Sequence[Job | Exception]:
        use_case = partial(self.accept_in, orders=orders, foretold=self._foretell(orders))
        return await self._database.write(tenant_id, use_case)

    def _foretell(self, orders: Iterable[Order]) -> int:
        """Let the dispatcher come right behind the next write, if a job of `orders` is due."""
        return self._signals.foretell() if any(map(_is_due, orders)) else 0

    def accept_in(
        self, tx: Tx, orders: Sequence[Order], *, foretold: int = 0
    ) -> list[Job | Exception]:
        """Accept jobs within a transaction; return each, or why it was refused."""
        plans = [order.plan for order in orders if order.plan is not None]
        if len(plans) > 1:
            slots = _of(tx.tenant_id, {plan.concurrency_key for plan in plans})
            rates = _of(tx.tenant_id, {plan.rate_key for plan in plans})
            self._gates.lock_keys(tx, slots, rates)
        results: list[Job | Exception] = []
        new: list[Job] = []
        for order in orders:
            try:
                job, is_new = self._admitting.admit(order, tx, pending=len(new))
            except TidemillError as refused:
                # Raised before its first change, so the others can still commit.
                results.append(refused)
                continue
            results.append(job)
            if is_new and order.plan is not None:
                results[-1] = self._place(tx, job, order.plan, order.reach)
            elif is_new:
                new.append(job)
                if job.key is not None:
                    # The same id may come again in this batch.
                    self._add(tx, new, foretold)
                    new = []
        self._add(tx, new, foretold)
        return results

    def _accept(self, order: Order, tx: Tx, *, foretold: int = 0) -> Job:
        job, is_new = self._admitting.admit(order, tx)
        if is_new and order.plan is not None:
            return self._place(tx, job, order.plan, order.reach)
        if is_new:
            self._add(tx, [job], foretold)
        return job

    def _place(self, tx: Tx, job: Job, plan: Plan, reach: Reach) -> Job:
        self._add(tx, [job])
        return self._limited.placed(tx, job, plan, reach)

    def _order_key(self, job: Job) -> int:
        return order_key(job.due_at, job.priority, self._limits.ageing_seconds)

    def _add(self, tx: Tx, jobs: Sequence[Job], foretold: int = 0) -> None:
        if not jobs:
            return
        self._jobs.add(tx, [(job, self._order_key(job)) for job in jobs])
        for due_at in {job.due_at for job in jobs}:
            told = foretold if due_at <= tx.now else 0
            tx.after_commit(partial(self._signals.ready, due_at, told))

    def _tell_cancelled(self, job: Job) -> None:
        if job.state.final:
            self._signals.changed(job)
        else:
            self._signals.cancel(job.id, job.epoch)

    def _cancel(self, tx: Tx, id_: str, actor: Actor) -> Job | None:
        job = self._jobs.lock(tx, id_)
        if job is None:
            return None
        before = job.state
        if job.worker_id is None:
            ended = finished(job, JobState.CANCELLED, now=tx.now)
            job = structs.replace(ended, cancelled_by=actor.user_id or actor.id)
            if self._jobs.finish(tx, job):
                tx.after_commit(partial(self._signals.ready, tx.now))
            fact = ending_fact(job)
            if fact is not None:
                tx.record(fact, by=actor_of(job))
        elif job.cancel_requested_at is None:
            self._jobs.request_cancel(tx, job.id, actor.user_id or actor.id)
        else:
            return job
        tx.audit(
            "jobs.jobs.cancel",
            by=actor,
            resource=f"job:{job.public_id}",
            before={"state": before},
        )
        return self._jobs.find(tx, id_) or job


def _is_due(order: Order) -> bool:
    return order.request.run_at is None and order.plan is None


def _of(tenant_id: TenantId, keys: Iterable[str | None]) -> list[tuple[str, str]]:
    return [(tenant_id, key) for key in keys if key is not None]

"""What one can do with jobs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final

from msgspec import Struct, structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import Clock
from tidemill.core.crash import crash_point
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId
from tidemill.core.keysets import after_text
from tidemill.core.pages import InvalidCursor, Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.contract import JobRequest, JobSnapshot, JobState, WorkItemLinks
from tidemill.jobs.errors import JobIdTaken, JobNotFound, QueueFull
from tidemill.jobs.functions.models import FUNCTION
from tidemill.jobs.functions.service import FunctionService
from tidemill.jobs.queue.gathering import Gathering
from tidemill.jobs.queue.limits import LimitsFor, QueueLimits
from tidemill.jobs.queue.models import (
    Job,
    JobFilter,
    actor_of,
    ending_fact,
    finished,
    is_uuid7,
    order_key,
    queued_fact,
)
from tidemill.jobs.queue.quota import Quota
from tidemill.jobs.queue.repository import JobRepository
from tidemill.jobs.queue.requests import Code, check, fingerprint, is_reference, new_job
from tidemill.jobs.queue.signals import Signals
from tidemill.jobs.scripts.service import ScriptService
from tidemill.jobs.workers.service import WorkerService

look_seconds: Final = 1.0
accepted_per_commit_max: Final = 500
_newest: Final = "ffffffff-ffff-7fff-ffff-ffffffffffff"
_AUDITED: Final = frozenset({ActorKind.USER, ActorKind.API_TOKEN, ActorKind.AGENT, ActorKind.JOB})


class Order(Struct, frozen=True):
    """A checked request on its way into the queue."""

    request: JobRequest
    code: Code
    limits: QueueLimits
    actor: Actor
    fingerprint: str | None


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
    ) -> None:
        self._functions = functions
        self._database = jobs
        self._clock = clock
        self._limits = limits
        self._scripts = scripts
        self._workers = workers
        self._signals = signals
        self._links = links
        self._limits_for = limits_for
        self._jobs = JobRepository()
        self._quota = Quota(limits.queued_per_tenant_max)
        self._gathering: Gathering[TenantId, Order, Job] = Gathering(self._commit)

    async def create(
        self, request: JobRequest, *, actor: Actor, once: Once[Job] | None = None
    ) -> Job:
        """Accept a job; return once it is durable. The same `id` gives the same job again."""
        order = await self.prepare(request, actor=actor)
        if once is None:
            job = await self._gathering.add(actor.tenant_id, order)
        else:
            job = await self._database.write(
                actor.tenant_id, partial(self._accept, order), once=once
            )
        crash_point("enqueue_after_commit")
        return job

    async def create_many(self, requests: Sequence[JobRequest], *, actor: Actor) -> list[Job]:
        """Accept jobs, a portion in each commit; return them in order.

        All are checked before the first is accepted. Raises the first error that one meets; the
        portions before it stay.
        """
        orders = [await self.prepare(request, actor=actor) for request in requests]
        jobs: list[Job] = []
        for start in range(0, len(orders), accepted_per_commit_max):
            portion = orders[start : start + accepted_per_commit_max]
            for result in await self._commit(actor.tenant_id, portion):
                if isinstance(result, Exception):
                    raise result
                jobs.append(result)
        return jobs

    async def prepare(self, request: JobRequest, *, actor: Actor) -> Order:
        """Check a request and look up what it runs, for `enqueue_in`."""
        limits = await self._limits_for(actor) if self._limits_for else self._limits
        check(request, limits)
        if request.function is not None and self._functions is not None:
            request = await self._functions.admitted(request)
        code = await self._code(request, actor)
        if request.work_item_id is not None:
            links = self._links()
            if links is not None:
                await links.check(actor, request.work_item_id)
        marked = fingerprint(request) if request.id is not None else None
        return Order(request, code, limits, actor, marked)

    def enqueue_in(self, tx: Tx, order: Order) -> Job:
        """Accept a job within a transaction on the jobs store that does more than that."""
        return self._accept(order, tx)

    def cancel_in(self, tx: Tx, job_id: str, actor: Actor) -> Job | None:
        """Cancel a live job by the id made here, within a transaction that does more than that."""
        job = self._cancel(tx, job_id, actor)
        if job is not None:
            tx.after_commit(partial(self._tell_cancelled, job))
        return job

    async def get(self, reference: str, *, actor: Actor) -> Job:
        """Return a job by the id that its client knows; raises `JobNotFound`."""
        if not is_reference(reference):
            raise JobNotFound(reference)
        found = await self._database.read(
            actor.tenant_id, lambda tx: self._jobs.find(tx, reference)
        )
        if found is None:
            raise JobNotFound(reference)
        return found

    async def waiting_for(self, job: Job) -> str | None:
        """Return what a ready job waits for besides its turn."""
        if job.state is not JobState.QUEUED:
            return None
        return await self._workers.waiting_for(job.tag, job.isolation)

    async def list(self, page: PageRequest, wanted: JobFilter, *, actor: Actor) -> Page[Job]:
        """Return jobs, the latest first, without code and result."""
        after = after_text(page)
        before = _newest if after is None else after
        if not is_uuid7(before):
            raise InvalidCursor

        def use_case(tx: Tx) -> list[Job]:
            return self._jobs.list(tx, wanted, before=before, limit=page.limit_plus_one)

        jobs = await self._database.read(actor.tenant_id, use_case)
        return page_of(jobs, page, lambda job: (job.id,))

    async def wait_final(self, reference: str, *, seconds: float, actor: Actor) -> Job:
        """Return the job once it is final, or as it is after `seconds` or when this one stops."""
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
            job = await self.get(reference, actor=actor)
        return job

    async def cancel_job(self, reference: str, *, actor: Actor) -> Job:
        """End a job that waits, or ask its worker to stop it; a final job stays as it is."""
        known = await self.get(reference, actor=actor)
        if known.state.final:
            return known
        cancelled = await self._database.write(
            actor.tenant_id, lambda tx: self._cancel(tx, known.id, actor)
        )
        if cancelled is None:
            return await self.get(reference, actor=actor)
        self._tell_cancelled(cancelled)
        return cancelled

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

    async def _code(self, request: JobRequest, actor: Actor) -> Code:
        if request.function is not None:
            return _code_of(request.function)
        if request.script_path is not None:
            script = await self._scripts.runnable(request.script_path, request.args, actor=actor)
            return Code(
                language=script.language,
                content_hash=script.content_hash,
                script_path=script.path,
            )
        assert request.content is not None  # noqa: S101 - `check` has seen it
        assert request.language is not None  # noqa: S101 - `check` has seen it
        language = self._scripts.checked_inline(request.language, request.content, request.args)
        digest = hashlib.sha256(request.content.encode()).hexdigest()
        return Code(language=language, content_hash=digest, content=request.content)

    async def _commit(
        self, tenant_id: TenantId, orders: Sequence[Order]
    ) -> Sequence[Job | Exception]:
        def use_case(tx: Tx) -> list[Job | Exception]:
            results: list[Job | Exception] = []
            new: list[Job] = []
            for order in orders:
                try:
                    job, is_new = self._admit(order, tx)
                except TidemillError as refused:
                    # Raised before its first change, so the others can still commit.
                    results.append(refused)
                    continue
                results.append(job)
                if is_new:
                    new.append(job)
                    if job.key is not None:
                        # The same id may come again in this batch.
                        self._add(tx, new)
                        new = []
            self._add(tx, new)
            return results

        return await self._database.write(tenant_id, use_case)

    def _accept(self, order: Order, tx: Tx) -> Job:
        job, is_new = self._admit(order, tx)
        if is_new:
            self._add(tx, [job])
        return job

    def _add(self, tx: Tx, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        ageing = self._limits.ageing_seconds
        self._jobs.add(tx, [(job, order_key(job.due_at, job.priority, ageing)) for job in jobs])
        for due_at in {job.due_at for job in jobs}:
            tx.after_commit(partial(self._signals.ready, due_at))

    def _admit(self, order: Order, tx: Tx) -> tuple[Job, bool]:
        """Return the job of `order`, and whether it is still to be added."""
        request = order.request
        job = new_job(tx.new_id(), request, order.code, order.limits, actor=order.actor, now=tx.now)
        if job.key is not None:
            known = self._known(tx, job.key, order.fingerprint or "")
            if known is not None:
                return known, False
            if self._jobs.is_taken(tx, job.key):
                raise JobIdTaken(job.key)
        if not self._quota.admits(tx.tenant_id, partial(self._jobs.count_open, tx)):
            raise QueueFull(self._limits.queued_per_tenant_max)
        if job.key is not None and not self._jobs.claim_key(tx, job, order.fingerprint or ""):
            known = self._known(tx, job.key, order.fingerprint or "")
            if known is not None:
                return known, False
        if job.followed:
            tx.record(queued_fact(job), by=order.actor)
        if order.actor.kind in _AUDITED:
            tx.audit(
                "jobs.jobs.create",
                by=order.actor,
                resource=f"job:{job.public_id}",
                after=_audited(job),
            )
        return job, True

    def _tell_cancelled(self, job: Job) -> None:
        if job.state.final:
            self._signals.changed(job)
        else:
            self._signals.cancel(job.id, job.epoch)

    def _known(self, tx: Tx, key: str, mark: str) -> Job | None:
        tied = self._jobs.key(tx, key)
        if tied is None:
            return None
        if tied[1] != mark:
            raise JobIdTaken(key)
        job = self._jobs.find(tx, tied[0])
        if job is None:
            raise JobIdTaken(key)
        return job

    def _cancel(self, tx: Tx, id_: str, actor: Actor) -> Job | None:
        job = self._jobs.lock(tx, id_)
        if job is None:
            return None
        before = job.state
        if job.worker_id is None:
            ended = finished(job, JobState.CANCELLED, now=tx.now)
            job = structs.replace(ended, cancelled_by=actor.user_id or actor.id)
            self._jobs.finish(tx, job)
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


@lru_cache(maxsize=4096)
def _code_of(function: str) -> Code:
    digest = hashlib.sha256(function.encode()).hexdigest()
    return Code(language=FUNCTION, content_hash=digest, content=function)


def _audited(job: Job) -> dict[str, object]:
    return {
        "script_path": job.script_path,
        "function": job.function,
        "language": job.language,
        "content_hash": job.content_hash,
        "tag": job.tag,
        "priority": job.priority,
        "run_at": job.due_at,
        "work_item_id": job.work_item_id,
    }

"""What one can do to a single job after it was accepted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct, structs

from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.control_errors import JobRetriedAlready
from tidemill.jobs.errors import InvalidJobField, JobNotFound
from tidemill.jobs.limits.gates.repository import GateRepository
from tidemill.jobs.limits.repository import LimitRepository
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.plans import check_begins, expiry_of, limits_in
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.steering.control.models import (
    RERUN,
    RETRY,
    Changes,
    CodeChoice,
    check_movable,
    check_retriable,
    code_of,
    on_purpose,
    request_of,
    snooze_seconds_max,
)
from tidemill.jobs.steering.control.repository import ControlRepository

T = TypeVar("T")

_AS_IT_WAS: Final = Changes()
rivals_max: Final = 20
"""How often a portion of jobs is tried anew of which somebody else has just retried one."""


class Links(Struct, frozen=True, kw_only=True):
    """What a job was made from, and what retries it."""

    origin_id: str | None = None
    retry_id: str | None = None


class ControlService:
    """Use cases of control over single jobs."""

    def __init__(
        self,
        jobs: Database,
        queue: JobService,
        signals: Signals,
        items: ItemLinks | None = None,
    ) -> None:
        self._database = jobs
        self._queue = queue
        self._signals = signals
        self._items = items or ItemLinks(lambda: None)
        self._jobs = JobRepository()
        self._control = ControlRepository()
        self._limits = LimitRepository()
        self._gates = GateRepository()

    async def retry(
        self, reference: str, *, actor: Actor, code: CodeChoice = CodeChoice.CURRENT
    ) -> Job:
        """Run a job again that ended without success, as a new job; the same one each time."""
        job = await self._queue.get(reference, actor=actor)
        check_retriable(job)
        known = await self._retry(job, actor)
        if known is not None:
            return known
        order = await self.order(job, actor=actor, code=code)
        try:
            return await self._database.write(
                actor.tenant_id, lambda tx: self.retry_in(tx, job, order)
            )
        except JobRetriedAlready:
            # By somebody else at this moment, or by a job that has left the history since.
            known = await self._retry(job, actor)
            if known is None:
                raise
            return known

    async def rerun(
        self,
        reference: str,
        changes: Changes = _AS_IT_WAS,
        *,
        actor: Actor,
        code: CodeChoice = CodeChoice.CURRENT,
        once: Once[Job] | None = None,
    ) -> Job:
        """Run a job's code once more as a new job, with other arguments where `changes` say so."""
        job = await self._queue.get(reference, actor=actor)
        try:
            order = await self.order(job, changes, actor=actor, code=code)
        except TidemillError as refused:
            return await self._queue.repeats.first(once, refused, actor=actor)

        def use_case(tx: Tx) -> Job:
            new = self._queue.enqueue_in(tx, order)
            self._control.add_origin(tx, new.id, job.id, RERUN)
            tx.audit(
                "jobs.jobs.rerun",
                by=order.actor,
                resource=f"job:{job.public_id}",
                after={"rerun_as": new.id},
            )
            return new

        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def snooze(self, reference: str, *, seconds: float, actor: Actor) -> Job:
        """Let a job that has not started wait for so long from now on, within its time to live."""
        if not 1 <= seconds <= snooze_seconds_max:
            raise InvalidJobField("seconds", f"between 1 and {snooze_seconds_max}")
        later = int(seconds * MICROSECONDS_PER_SECOND)
        return await self._move(reference, later, actor, "jobs.jobs.snooze")

    async def run_now(self, reference: str, *, actor: Actor) -> Job:
        """Let a job start that waits for its time, or for its next attempt."""
        return await self._move(reference, 0, actor, "jobs.jobs.run_now")

    async def links(self, job: Job) -> Links:
        """Return what `job` was made from, and what retries it."""

        def use_case(tx: Tx) -> Links:
            return Links(
                origin_id=self._control.origin_of(tx, job.id),
                retry_id=self._control.retry_of(tx, job.id),
            )

        return await self._database.read(job.tenant_id, use_case)

    async def order(
        self,
        job: Job,
        changes: Changes = _AS_IT_WAS,
        *,
        actor: Actor,
        code: CodeChoice = CodeChoice.CURRENT,
    ) -> Order:
        """Return the order of a job like `job`, with the rights of `actor`.

        It is of no work item where the actor may not see that of `job`.
        """
        request = request_of(await self._items.shown(job, actor), changes)
        known = code_of(job) if code is CodeChoice.SAME else None
        try:
            order = await self._queue.prepare(request, actor=actor, code=known)
        except JobNotFound:
            # The one above it has left the history; it stands by itself now.
            request = structs.replace(request, parent_id=None)
            order = await self._queue.prepare(request, actor=actor, code=known)
        return on_purpose(order)

    def retry_in(self, tx: Tx, job: Job, order: Order) -> Job:
        """Retry `job` within a transaction that does more; raises `JobRetriedAlready`."""
        new = self._queue.enqueue_in(tx, order)
        if not self._control.add_origin(tx, new.id, job.id, RETRY):
            raise JobRetriedAlready(job.public_id)
        tx.audit(
            "jobs.jobs.retry",
            by=order.actor,
            resource=f"job:{job.public_id}",
            before={"state": job.state},
            after={"retried_as": new.id},
        )
        return new

    async def retrying(
        self, tenant_id: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        """Run a use case that retries jobs, anew when somebody else retries one meanwhile.

        Raises `JobRetriedAlready` when others are first each time.
        """
        for _ in range(rivals_max):
            with suppress(JobRetriedAlready):
                return await self._database.write(tenant_id, use_case, once=once)
        return await self._database.write(tenant_id, use_case, once=once)

    async def _retry(self, job: Job, actor: Actor) -> Job | None:
        def use_case(tx: Tx) -> Job | None:
            found = self._control.retry_of(tx, job.id)
            return None if found is None else self._jobs.find(tx, found)

        return await self._database.read(actor.tenant_id, use_case)

    async def _move(self, reference: str, later: int, actor: Actor, action: str) -> Job:
        known = await self._queue.get(reference, actor=actor)
        await self._queue.sight.check_steers(known, actor)
        snoozed = later > 0

        def use_case(tx: Tx) -> Job:
            self._gates.lock(tx, [(known.tenant_id, known.id)])
            job = self._jobs.lock(tx, known.id) or self._jobs.find(tx, known.id) or known
            check_movable(job)
            due_at = Instant(tx.now + later)
            if snoozed and job.limits is not None:
                check_begins(limits_in(job.limits), job.created_at, due_at, param="seconds")
            if not snoozed and job.due_at <= due_at:
                return job
            self._gates.leave(tx, [(job.tenant_id, job.id)] if job.concurrency_key else ())
            self._control.move(tx, job.id, due_at, snoozed=snoozed)
            if job.limits is not None:
                self._let_others_go(tx, structs.replace(job, due_at=due_at))
            moved = self._jobs.find(tx, job.id) or job
            tx.audit(
                action,
                by=actor,
                resource=f"job:{job.public_id}",
                before={"run_at": job.due_at},
                after={"run_at": due_at},
            )
            tx.after_commit(partial(self._signals.ready, due_at))
            tx.after_commit(partial(self._signals.changed, moved))
            return moved

        return await self._database.write(actor.tenant_id, use_case)

    def _let_others_go(self, tx: Tx, job: Job) -> None:
        """Take the slot of a job that waits for its time again; its limits are asked anew then."""
        self._limits.put_back(tx, job.tenant_id, job.id, expiry_of(job, tx.now))
        if job.concurrency_key is not None:
            self._limits.release(tx, [(job.tenant_id, job.concurrency_key)])
            tx.after_commit(partial(self._signals.ready, tx.now))

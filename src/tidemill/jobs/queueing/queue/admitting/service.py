"""Whether an order becomes a job: its client's id, the tenant's quota, and who stands for it."""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.errors import TidemillError
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import JobIdTaken, QueueFull
from tidemill.jobs.queueing.queue.limited.service import Limited
from tidemill.jobs.queueing.queue.models import Job, queued_fact
from tidemill.jobs.queueing.queue.plans import Plan, planned
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.quota import Quota
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.requests import fingerprint, new_job
from tidemill.jobs.tracing import end_enqueue

_AUDITED: Final = frozenset({ActorKind.USER, ActorKind.API_TOKEN, ActorKind.AGENT, ActorKind.JOB})


class Admitting:
    """Admits the jobs of one tenant, within the transaction that accepts them."""

    def __init__(self, quota: Quota, limited: Limited) -> None:
        self._quota = quota
        self._limited = limited
        self._jobs = JobRepository()

    def admit(self, order: Order, tx: Tx, *, pending: int = 0) -> tuple[Job, bool]:
        """Return the job of `order`, and whether it is still to be added, as are `pending` ones.

        What it raises, it raises without having changed anything.
        """
        marked, job = order.fingerprint or "", _new(order, tx)
        if job.key is not None:
            known = self._known(tx, job.key, marked)
            if known is not None:
                return known, False
            if self._jobs.is_taken(tx, job.key):
                raise JobIdTaken(job.key)
        most, count = order.limits.queued_per_tenant_max, partial(self._count_open, tx, pending)
        if not self._quota.admits(tx.tenant_id, count, jobs_max=most):
            raise QueueFull(most)
        if order.plan is not None:
            job = planned(job, order.plan, tx.now)
        # Before anything is changed: another process may have accepted the same request meanwhile.
        if job.key is not None and not self._jobs.claim_key(tx, job, marked):
            known = self._known(tx, job.key, marked)
            if known is not None:
                return known, False
        if order.plan is not None:
            stands = self._stands(tx, job, order, order.plan)
            if stands is not None:
                return stands, False
        _record(tx, job, order.actor)
        return job, True

    def admitted(self, tx: Tx, request: JobRequest) -> Job | None:
        """Return the job that was admitted for this very request with its `id`.

        Raises `JobIdTaken` when another request has the id.
        """
        return None if request.id is None else self._known(tx, request.id, fingerprint(request))

    def _stands(self, tx: Tx, job: Job, order: Order, plan: Plan) -> Job | None:
        try:
            stands = self._limited.standing(tx, job, plan, by=order.actor)
        except TidemillError:
            # Others of the same transaction commit; the id must not stay with a job that is none.
            if job.key is not None:
                self._jobs.free_key(tx, job.key)
            raise
        if stands is not None and job.key is not None:
            self._jobs.tie_key(tx, job.key, stands.id)
        return stands

    def _count_open(self, tx: Tx, pending: int, limit: int) -> int:
        return self._jobs.count_open(tx, limit) + pending

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


def _new(order: Order, tx: Tx) -> Job:
    job = new_job(
        tx.new_id(), order.request, order.code, order.limits, actor=order.actor, now=tx.now
    )
    if order.span is not None:
        tx.after_commit(partial(end_enqueue, order.span, job.public_id))
    if order.lineage is None:
        return job
    lineage = order.lineage
    return structs.replace(job, parent_id=lineage.parent_id, root_id=lineage.root_id)


def _record(tx: Tx, job: Job, by: Actor) -> None:
    if job.followed:
        tx.record(queued_fact(job), by=by)
    if by.kind in _AUDITED:
        resource = f"job:{job.public_id}"
        tx.audit("jobs.jobs.create", by=by, resource=resource, after=_audited(job))


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

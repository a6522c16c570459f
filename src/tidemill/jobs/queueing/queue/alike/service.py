"""Many jobs that differ in their arguments only: checked once, and written without one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tidemill.core.actor import ActorKind
from tidemill.core.ports import Database, Tx
from tidemill.jobs.contract import JobId
from tidemill.jobs.errors import ArgumentsTooLarge, QueueFull
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.quota import Quota
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.requests import new_job
from tidemill.jobs.queueing.queue.signals import Signals

accepted_alike_per_commit_max: Final = 2_000


def are_alike(order: Order) -> bool:
    """Return whether nothing about the jobs of `order` has to be decided or told one by one."""
    request = order.request
    return (
        order.plan is None
        and order.lineage is None
        and request.id is None
        and request.work_item_id is None
        and request.trigger_id is None
        and request.affinity_key is None
        and order.code.affinity_key is None
        and not request.labels
        and order.actor.origin.traceparent is None
        # Whatever people and their programs enqueue has a line in the audit log.
        and order.actor.kind is ActorKind.SYSTEM
    )


class Alike:
    """Accepts the jobs of one order, a portion in each commit."""

    def __init__(
        self, jobs: Database, quota: Quota, signals: Signals, order_key: Callable[[Job], int]
    ) -> None:
        self._database = jobs
        self._quota = quota
        self._signals = signals
        self._order_key = order_key
        self._jobs = JobRepository()

    async def add(self, order: Order, arguments: Sequence[bytes]) -> list[JobId]:
        """Accept one job for each of `arguments`, which are JSON; return their ids, in order.

        Raises `ArgumentsTooLarge` before the first is accepted, and `QueueFull`, when the portions
        before it stay.
        """
        bytes_max = order.limits.args_bytes_max
        longest = max(map(len, arguments), default=0)
        if longest > bytes_max:
            raise ArgumentsTooLarge(longest, bytes_max)
        ids: list[JobId] = []
        for start in range(0, len(arguments), accepted_alike_per_commit_max):
            portion = arguments[start : start + accepted_alike_per_commit_max]
            ids += await self._database.write(
                order.actor.tenant_id, partial(self._add_in, order, portion)
            )
        return ids

    def _add_in(self, order: Order, arguments: Sequence[bytes], tx: Tx) -> list[JobId]:
        first = new_job(
            tx.new_id(), order.request, order.code, order.limits, actor=order.actor, now=tx.now
        )
        most, count = order.limits.queued_per_tenant_max, partial(self._jobs.count_open, tx)
        if not self._quota.admits(tx.tenant_id, count, jobs_max=most, jobs=len(arguments)):
            raise QueueFull(most)
        ids = [first.id, *(tx.new_id() for _ in arguments[1:])]
        self._jobs.add_alike(tx, first, self._order_key(first), ids, arguments)
        tx.after_commit(partial(self._signals.ready, first.due_at))
        return [JobId(id_) for id_ in ids]

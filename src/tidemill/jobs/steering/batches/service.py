"""Accepts many jobs in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.actor import Actor
from tidemill.core.errors import TidemillError
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.control_errors import BatchRefused, BatchTooLarge, ItemError
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.repeats.service import in_order
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.steering.batches.models import batch_jobs_max, item_error


class BatchService:
    """Use cases of batches."""

    def __init__(self, jobs: Database, queue: JobService) -> None:
        self._database = jobs
        self._queue = queue

    async def create(
        self,
        requests: Sequence[JobRequest],
        *,
        actor: Actor,
        once: Once[list[Job]] | None = None,
    ) -> list[Job]:
        """Accept all jobs, or none; return them in order once they are durable.

        What was accepted before is found by the key of `once`, or job by job by their ids. Raises
        `BatchTooLarge`, and `BatchRefused` with what is wrong with each.
        """
        if len(requests) > batch_jobs_max:
            raise BatchTooLarge(len(requests), batch_jobs_max)
        prepared = await self._queue.prepare_or_find(requests, actor=actor)
        admitted = [one for one in prepared if not isinstance(one, TidemillError)]
        if len(admitted) < len(prepared):
            refused = BatchRefused(_errors(prepared), len(requests))
            return await self._queue.repeats.first(once, refused, actor=actor)
        orders = [one for one in admitted if isinstance(one, Order)]

        def use_case(tx: Tx) -> list[Job]:
            results = in_order(admitted, self._queue.accept_in(tx, orders))
            jobs = [result for result in results if isinstance(result, Job)]
            if len(jobs) < len(results):
                # Rolls back: what was accepted before the first refusal goes too.
                raise BatchRefused(_errors(results), len(requests))
            return jobs

        return await self._database.write(actor.tenant_id, use_case, once=once)


def _errors(results: Sequence[object]) -> tuple[ItemError, ...]:
    return tuple(
        item_error(index, result)
        for index, result in enumerate(results)
        if isinstance(result, TidemillError)
    )

"""Requests that come again: whoever lost the answer gets the job that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tidemill.core.actor import Actor
from tidemill.core.errors import TidemillError
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.queueing.queue.admitting.service import Admitting
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.sight import Sight

T = TypeVar("T")


class Repeats:
    """Finds what a request made when nothing spoke against it; what it runs may be gone since.

    It only reads: whoever sends what is refused must not keep the store's writer busy.
    """

    def __init__(self, jobs: Database, admitting: Admitting, sight: Sight) -> None:
        self._database = jobs
        self._admitting = admitting
        self._sight = sight

    async def job(
        self,
        request: JobRequest,
        refused: TidemillError,
        *,
        actor: Actor,
        once: Once[Job] | None = None,
    ) -> Job:
        """Return the job that was accepted by the request's key or `id`; else raise `refused`.

        Raises `IdempotencyKeyReused` and `JobIdTaken` when that was for another request.
        """
        if once is None and request.id is None:
            raise refused

        def use_case(tx: Tx) -> Job | None:
            job = None if once is None else tx.first_result(once)
            return job or self._admitting.admitted(tx, request)

        job = await self._database.read(actor.tenant_id, use_case)
        if job is None or not await self._sight.sees(job, actor):
            raise refused
        return job

    async def jobs(
        self,
        requests: Sequence[JobRequest],
        prepared: Sequence[Order | TidemillError],
        *,
        actor: Actor,
    ) -> list[Order | Job | TidemillError]:
        """Return what was prepared, with the job in the place of an error where there is one."""
        found: list[Order | Job | TidemillError] = list(prepared)
        for place, (request, one) in enumerate(zip(requests, prepared, strict=True)):
            if isinstance(one, TidemillError):
                try:
                    found[place] = await self.job(request, one, actor=actor)
                except TidemillError as refused:
                    found[place] = refused
        return found

    async def first(self, once: Once[T] | None, refused: TidemillError, *, actor: Actor) -> T:
        """Return what a write gave under its key before; else raise `refused`."""
        if once is None:
            raise refused
        result = await self._database.read(actor.tenant_id, lambda tx: tx.first_result(once))
        if result is None:
            raise refused
        return result


def in_order(prepared: Sequence[Order | Job], results: Sequence[T]) -> list[Job | T]:
    """Return the jobs that there were, and between them the results of the orders."""
    accepted = iter(results)
    return [one if isinstance(one, Job) else next(accepted) for one in prepared]

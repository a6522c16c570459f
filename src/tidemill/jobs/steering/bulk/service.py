"""What one can do to all jobs that fit a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.errors import TidemillError
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.sight import Reach
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.queueing.specs.repository import SpecRepository
from tidemill.jobs.records.search.models import NEWEST, JobFilter
from tidemill.jobs.records.search.repository import SearchRepository
from tidemill.jobs.records.search.service import before_of
from tidemill.jobs.steering.bulk.models import (
    BulkResult,
    Refusal,
    counted_max,
    refusal,
    to_cancel,
    to_replay,
    to_retry,
)
from tidemill.jobs.steering.control.models import CodeChoice
from tidemill.jobs.steering.control.repository import ControlRepository
from tidemill.jobs.steering.control.service import ControlService

_refusals_told_max: Final = 20
counting_looks_max: Final = 10
"""How often more jobs are looked at in place of those that the actor may not know of."""
Fits = Callable[[Reach, Spec, Actor], bool]


class BulkService:
    """Each call changes one portion, in one transaction; the caller goes on where it ended."""

    def __init__(self, jobs: Database, queue: JobService, control: ControlService) -> None:
        self._database = jobs
        self._queue = queue
        self._control = control
        self._jobs = JobRepository()
        self._search = SearchRepository()
        self._specs = SpecRepository()
        self._origins = ControlRepository()

    async def count_to_cancel(self, wanted: JobFilter, *, actor: Actor) -> BulkResult:
        """Return how many jobs `cancel` would end."""
        return await self._count(to_cancel(wanted), Reach.steers, actor)

    async def count_to_retry(self, wanted: JobFilter, *, actor: Actor) -> BulkResult:
        """Return how many jobs `retry` would run again."""
        return await self._count(to_retry(wanted), Reach.sees, actor)

    async def count_to_replay(self, wanted: JobFilter, *, actor: Actor) -> BulkResult:
        """Return how many jobs `replay` would run again."""
        return await self._count(to_replay(wanted), Reach.sees, actor)

    async def cancel(
        self,
        page: PageRequest,
        wanted: JobFilter,
        *,
        actor: Actor,
        once: Once[BulkResult] | None = None,
    ) -> BulkResult:
        """End a portion of the jobs that have not ended."""
        ids, seen = await self._found(page, to_cancel(wanted), actor)
        jobs = [job.id for job in seen if await self._queue.sight.steers(job, actor)]
        looked = BulkResult(matched=len(jobs), after=_after(ids, page))

        def cancel(tx: Tx) -> BulkResult:
            return structs.replace(looked, changed=len(self._queue.cancel_in(tx, jobs, actor)))

        # With a key it is written, too, that there was nothing to do.
        if not jobs and once is None:
            return looked
        return await self._database.write(actor.tenant_id, cancel, once=once)

    async def retry(
        self,
        page: PageRequest,
        wanted: JobFilter,
        *,
        actor: Actor,
        code: CodeChoice,
        once: Once[BulkResult] | None = None,
    ) -> BulkResult:
        """Run a portion of the jobs again that ended without success and were not retried."""
        return await self._again(page, to_retry(wanted), actor, code, once)

    async def replay(
        self,
        page: PageRequest,
        wanted: JobFilter,
        *,
        actor: Actor,
        code: CodeChoice,
        once: Once[BulkResult] | None = None,
    ) -> BulkResult:
        """Run a portion of the dead jobs again; those leave the list of the dead."""
        return await self._again(page, to_replay(wanted), actor, code, once)

    async def _again(
        self,
        page: PageRequest,
        wanted: JobFilter,
        actor: Actor,
        code: CodeChoice,
        once: Once[BulkResult] | None,
    ) -> BulkResult:
        ids, jobs = await self._found(page, wanted, actor)
        orders: list[tuple[Job, Order]] = []
        refused: list[Refusal] = []
        for job in jobs:
            try:
                orders.append((job, await self._control.order(job, actor=actor, code=code)))
            except TidemillError as error:
                refused.append(refusal(job.public_id, error))

        looked = BulkResult(
            matched=len(jobs), refused=tuple(refused[:_refusals_told_max]), after=_after(ids, page)
        )

        def retry(tx: Tx) -> BulkResult:
            known = self._origins.retried(tx, [job.id for job, _ in orders])
            new = [(job, order) for job, order in orders if job.id not in known]
            for job, order in new:
                self._control.retry_in(tx, job, order)
            return structs.replace(looked, changed=len(new))

        if not orders and once is None:
            return looked
        return await self._control.retrying(actor.tenant_id, retry, once=once)

    async def _found(
        self, page: PageRequest, wanted: JobFilter, actor: Actor
    ) -> tuple[list[str], list[Job]]:
        """Return the ids of a portion, and those of its jobs that the actor may see."""
        before = before_of(page)

        def find(tx: Tx) -> tuple[list[str], list[Job]]:
            ids = self._search.ids(tx, wanted, before=before, limit=page.limit)
            found = [self._jobs.find(tx, id_) for id_ in ids]
            return ids, [job for job in found if job is not None]

        ids, jobs = await self._database.read(actor.tenant_id, find)
        return ids, [job for job in jobs if await self._queue.sees(job, actor)]

    async def _count(self, wanted: JobFilter, fits: Fits, actor: Actor) -> BulkResult:
        """Count the jobs of a filter that `fits` lets the actor know of."""
        reach = await self._queue.sight.reach(actor.tenant_id)
        matched, before = 0, NEWEST
        for _ in range(counting_looks_max):
            count = partial(self._kinds, wanted, before)
            found, specs = await self._database.read(actor.tenant_id, count)
            known = {id_ for id_, spec in specs.items() if fits(reach, spec, actor)}
            matched += sum(spec_id in known for _, spec_id in found)
            if len(found) <= counted_max:
                return BulkResult(matched=min(matched, counted_max), more=matched > counted_max)
            if matched > counted_max:
                break
            before = found[-1][0]
        return BulkResult(matched=min(matched, counted_max), more=True)

    def _kinds(
        self, wanted: JobFilter, before: str, tx: Tx
    ) -> tuple[list[tuple[str, int]], Mapping[int, Spec]]:
        found = self._search.kinds(tx, wanted, before=before, limit=counted_max + 1)
        return found, self._specs.all(tx, {spec_id for _, spec_id in found})


def _after(ids: list[str], page: PageRequest) -> str | None:
    """Return where the next portion begins; there is one when this one was full."""
    return ids[-1] if len(ids) >= page.limit else None

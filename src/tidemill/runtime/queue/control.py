"""What a program does with the jobs of its queue after they were accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from tidemill.core.pages import Page, PageRequest, page_request
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.records.search.models import JobFilter
from tidemill.jobs.records.search.service import SearchService
from tidemill.jobs.scheduling.reasons.service import JobReasons
from tidemill.jobs.steering.bulk.models import BulkResult, Refusal, portion_max
from tidemill.jobs.steering.bulk.service import BulkService
from tidemill.jobs.steering.control.models import Changes, CodeChoice
from tidemill.jobs.steering.control.service import ControlService
from tidemill.runtime.queue.opening import OpenQueue, actor_of

refusals_told_max: Final = 100


class QueueControl:
    """The control of one tenant's jobs, with the rights of the program."""

    def __init__(self, queue: OpenQueue, tenant: str) -> None:
        jobs, service = queue.store.jobs, queue.service
        self._actor = actor_of(tenant)
        self._search = SearchService(jobs)
        self._control = ControlService(jobs, service, queue.signals)
        self._bulk = BulkService(jobs, service, self._control)
        self._reasons = JobReasons(jobs, service)

    async def why(self, job: Job) -> str:
        """Return what a job waits for or does, in sentences."""
        return (await self._reasons.of(job)).message

    async def retry(self, job_id: str) -> Job:
        """See `ControlService.retry`."""
        return await self._control.retry(job_id, actor=self._actor)

    async def rerun(self, job_id: str, changes: Changes) -> Job:
        """See `ControlService.rerun`."""
        return await self._control.rerun(job_id, changes, actor=self._actor)

    async def snooze(self, job_id: str, seconds: float) -> Job:
        """See `ControlService.snooze`."""
        return await self._control.snooze(job_id, seconds=seconds, actor=self._actor)

    async def run_now(self, job_id: str) -> Job:
        """See `ControlService.run_now`."""
        return await self._control.run_now(job_id, actor=self._actor)

    async def list(self, wanted: JobFilter, *, limit: int, cursor: str | None) -> Page[Job]:
        """See `SearchService.list`."""
        page = page_request(limit, cursor, wanted.digest)
        return await self._search.list(page, wanted, actor=self._actor)

    async def cancel_all(self, wanted: JobFilter, *, dry_run: bool) -> BulkResult:
        """End all jobs that fit and have not ended, or count them."""
        if dry_run:
            return await self._bulk.count_to_cancel(wanted, actor=self._actor)
        return await _all(lambda page: self._bulk.cancel(page, wanted, actor=self._actor))

    async def retry_all(self, wanted: JobFilter, *, dry_run: bool) -> BulkResult:
        """Run all jobs again that fit, ended without success and were not retried, or count."""
        if dry_run:
            return await self._bulk.count_to_retry(wanted, actor=self._actor)
        code = CodeChoice.CURRENT
        return await _all(lambda page: self._bulk.retry(page, wanted, actor=self._actor, code=code))


async def _all(portion: Callable[[PageRequest], Awaitable[BulkResult]]) -> BulkResult:
    """Return what the change did, portion by portion, to all that fit."""
    matched = changed = 0
    refused: list[Refusal] = []
    page = PageRequest(limit=portion_max)
    while True:
        found = await portion(page)
        matched += found.matched
        changed += found.changed
        refused += found.refused
        if found.after is None:
            told = tuple(refused[:refusals_told_max])
            return BulkResult(matched=matched, changed=changed, refused=told)
        page = PageRequest(limit=portion_max, after=(found.after,))

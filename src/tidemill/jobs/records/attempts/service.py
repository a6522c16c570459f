"""What one can ask of attempts."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database
from tidemill.jobs.errors import AttemptNotFound
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.attempts.models import Attempt, last
from tidemill.jobs.records.attempts.repository import AttemptRepository


class AttemptService:
    """Use cases of attempts."""

    def __init__(self, database: Database, jobs: JobService) -> None:
        self._database = database
        self._jobs = jobs
        self._attempts = AttemptRepository()

    async def of_job(self, page: PageRequest, reference: str, *, actor: Actor) -> Page[Attempt]:
        """Return attempts of a job, the first one first; raises `JobNotFound`."""
        job = await self._jobs.get(reference, actor=actor)
        after, limit = after_number(page) or 0, page.limit_plus_one
        found = await self._database.read(
            actor.tenant_id,
            lambda tx: self._attempts.of_job(tx, job.id, after=after, limit=limit),
        )
        latest = last(job)
        known = after if not found else found[-1].epoch
        if latest is not None and latest.epoch > known and len(found) < limit:
            found.append(latest)
        return page_of(found, page, lambda one: (one.epoch,))

    async def get(self, reference: str, attempt: int, *, actor: Actor) -> Attempt:
        """Return one attempt of a job; raises `JobNotFound` and `AttemptNotFound`."""
        job = await self._jobs.get(reference, actor=actor)
        latest = last(job)
        if latest is not None and latest.attempt == attempt:
            return latest
        found = None
        if attempt <= job.attempts:
            found = await self._database.read(
                actor.tenant_id, lambda tx: self._attempts.find(tx, job.id, attempt)
            )
        if found is None:
            raise AttemptNotFound(job.public_id, attempt, last=job.attempts)
        return found

    async def execution_of(self, job: Job, attempt: int) -> int:
        """Return in which execution of a job the attempt was made; raises `AttemptNotFound`.

        The first one may be waited for.
        """
        if attempt == job.attempts and (job.worker_id is not None or job.state.final):
            return job.epoch
        if attempt == 1 and job.attempts == 0:
            return max(job.epoch, 1)
        epoch = await self._database.read(
            job.tenant_id, lambda tx: self._attempts.epoch_of(tx, job.id, attempt)
        )
        if epoch is None:
            raise AttemptNotFound(job.public_id, attempt, last=job.attempts)
        return epoch

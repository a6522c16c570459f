"""What one can do with progress."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.clock import rfc3339
from tidemill.core.ports import Database, LiveUpdates, Tx
from tidemill.jobs.errors import ProgressNotOwn
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.progress.models import Progress
from tidemill.jobs.records.progress.repository import ProgressRepository
from tidemill.jobs.records.telling import is_itself


class ProgressService:
    """Use cases of progress."""

    def __init__(self, database: Database, jobs: JobService, live: LiveUpdates) -> None:
        self._database = database
        self._jobs = jobs
        self._live = live
        self._progress = ProgressRepository()

    async def put(self, reference: str, percent: float, text: str, *, actor: Actor) -> Progress:
        """Write how far a job is; only the job itself may say so."""
        job = await self._jobs.get(reference, actor=actor)
        if not is_itself(actor, job):
            raise ProgressNotOwn(job.public_id)

        def use_case(tx: Tx) -> Progress:
            self._progress.put(tx, job.id, percent, text)
            return Progress(percent, text, tx.now)

        said = await self._database.write(actor.tenant_id, use_case)
        data = {
            "job_id": job.public_id,
            "percent": percent,
            "text": text,
            "updated_at": rfc3339(said.updated_at),
        }
        self._live.publish(actor.tenant_id, job.topics, "JobProgress", data)
        return said

    async def find(self, reference: str, *, actor: Actor) -> Progress | None:
        """Return how far a job is, if it has said so; raises `JobNotFound`."""
        return await self.of(await self._jobs.get(reference, actor=actor))

    async def of(self, job: Job) -> Progress | None:
        """Return how far a job is that was read already."""
        return await self._database.read(job.tenant_id, lambda tx: self._progress.find(tx, job.id))

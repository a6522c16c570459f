"""Explains jobs and due times."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.ports import Database
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.queueing.queue.models import Job, is_uuid7
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.schedule_errors import OccurrenceNotFound
from tidemill.jobs.scheduling.occurrences.models import TRIGGER
from tidemill.jobs.scheduling.reasons.models import Explanation, explain_job, explain_occurrence
from tidemill.jobs.scheduling.reasons.repository import ReasonRepository
from tidemill.jobs.scheduling.schedule_runs.service import RunService


class JobReasons:
    """Explains jobs that somebody has read."""

    def __init__(self, jobs: Database, queue: JobService) -> None:
        self._database = jobs
        self._queue = queue
        self._reasons = ReasonRepository()

    async def of(self, job: Job) -> Explanation:
        """Return why a job is in its state."""
        lane, now = await self._database.read(
            job.tenant_id, lambda tx: (self._reasons.lane(tx, job.id), tx.now)
        )
        return explain_job(job, lane, await self._queue.waiting_for(job), now=now)


class ReasonService:
    """Use cases of explanations."""

    def __init__(self, jobs: Database, queue: JobService, runs: RunService) -> None:
        self._queue = queue
        self._runs = runs
        self._jobs = JobReasons(jobs, queue)

    async def why(self, reference: str, *, actor: Actor) -> Explanation:
        """Return why a job, or a due time of a schedule, is in its state.

        Raises `JobNotFound`.
        """
        try:
            job = await self._queue.get(reference, actor=actor)
        except JobNotFound:
            if not is_uuid7(reference):
                raise
            return await self._occurrence(reference, actor)
        found = await self._jobs.of(job)
        if job.trigger_id is None or not job.trigger_id.startswith(TRIGGER):
            return found
        try:
            by_schedule = await self._occurrence(job.trigger_id.removeprefix(TRIGGER), actor)
        except JobNotFound:
            return found
        return structs.replace(found, schedule_path=by_schedule.schedule_path)

    async def _occurrence(self, occurrence_id: str, actor: Actor) -> Explanation:
        try:
            occurrence, schedule = await self._runs.get(occurrence_id, actor=actor)
        except OccurrenceNotFound:
            raise JobNotFound(occurrence_id) from None
        return explain_occurrence(occurrence, None if schedule is None else schedule.path)

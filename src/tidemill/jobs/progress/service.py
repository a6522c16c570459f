"""What one can do with progress."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant, rfc3339
from tidemill.core.ports import Database, LiveUpdates, Tx
from tidemill.jobs.errors import ProgressNotOwn
from tidemill.jobs.progress.models import Progress
from tidemill.jobs.progress.repository import ProgressRepository
from tidemill.jobs.queue.service import JobService

_forget_every: Final = 500
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND


class ProgressService:
    """Use cases of progress."""

    def __init__(
        self,
        database: Database,
        jobs: JobService,
        live: LiveUpdates,
        clock: Clock,
        *,
        history_days: int,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._live = live
        self._clock = clock
        self._history_days = history_days
        self._progress = ProgressRepository()
        self._written = 0

    async def put(self, reference: str, percent: float, text: str, *, actor: Actor) -> Progress:
        """Write how far a job is; only the job itself may say so."""
        job = await self._jobs.get(reference, actor=actor)
        if actor.kind is not ActorKind.JOB or actor.id not in {job.id, job.public_id}:
            raise ProgressNotOwn(job.public_id)
        self._written += 1
        forgets = self._written % _forget_every == 0
        before = Instant(self._clock.now() - self._history_days * _DAY)

        def use_case(tx: Tx) -> Progress:
            self._progress.put(tx, job.id, percent, text)
            if forgets:
                self._progress.forget(tx, before)
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
        job = await self._jobs.get(reference, actor=actor)
        return await self._database.read(
            actor.tenant_id, lambda tx: self._progress.find(tx, job.id)
        )

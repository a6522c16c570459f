"""What one can do with metrics."""

from __future__ import annotations

from collections.abc import Mapping

from tidemill.core.actor import Actor
from tidemill.core.ports import Database, LiveUpdates, Tx
from tidemill.jobs.context_errors import MetricInvalid, MetricsNotOwn
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.metrics.models import checked, metrics_max
from tidemill.jobs.records.metrics.repository import MetricRepository
from tidemill.jobs.records.telling import is_itself


class MetricService:
    """Use cases of metrics."""

    def __init__(self, database: Database, jobs: JobService, live: LiveUpdates) -> None:
        self._database = database
        self._jobs = jobs
        self._live = live
        self._metrics = MetricRepository()

    async def put(
        self, reference: str, values: Mapping[str, float], *, actor: Actor
    ) -> dict[str, float]:
        """Write figures of a job and return all of it; only the job itself may give them."""
        job = await self._jobs.get(reference, actor=actor)
        if not is_itself(actor, job):
            raise MetricsNotOwn(job.public_id)
        wanted = checked(values)

        def use_case(tx: Tx) -> dict[str, float]:
            known = {**self._metrics.of_job(tx, job.id), **wanted}
            if len(known) > metrics_max:
                raise MetricInvalid("values", f"a job has {metrics_max} metrics at most.")
            self._metrics.put(tx, job.id, wanted)
            return dict(sorted(known.items()))

        said = await self._database.write(actor.tenant_id, use_case)
        data = {"job_id": job.public_id, "values": said}
        self._live.publish(actor.tenant_id, job.topics, "JobMetrics", data)
        return said

    async def find(self, reference: str, *, actor: Actor) -> dict[str, float]:
        """Return the metrics of a job; raises `JobNotFound`."""
        return await self.of(await self._jobs.get(reference, actor=actor))

    async def of(self, job: Job) -> dict[str, float]:
        """Return the metrics of a job that was read already."""
        return await self._database.read(job.tenant_id, lambda tx: self._metrics.of_job(tx, job.id))

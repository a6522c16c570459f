"""HTTP of metrics."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.http import get, put
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.records.metrics.schemas import MetricsView, PutMetrics
from tidemill.jobs.records.metrics.service import MetricService


@put("/jobs/{job_id:str}/metrics", RUN_JOBS)
async def put_job_metrics(
    job_id: str, data: PutMetrics, actor: Actor, job_metrics: MetricService
) -> MetricsView:
    """Give figures of the job; only the job itself may, with its own token."""
    return MetricsView(values=await job_metrics.put(job_id, data.values, actor=actor))


@get("/jobs/{job_id:str}/metrics", READ_JOBS)
async def get_job_metrics(job_id: str, actor: Actor, job_metrics: MetricService) -> MetricsView:
    """Read the figures that a job has given of itself."""
    return MetricsView(values=await job_metrics.find(job_id, actor=actor))


ROUTES = (put_job_metrics, get_job_metrics)

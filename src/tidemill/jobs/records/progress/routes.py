"""HTTP of progress."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.http import get, put
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.records.progress.schemas import ProgressView, PutProgress
from tidemill.jobs.records.progress.service import ProgressService


@put("/jobs/{job_id:str}/progress", RUN_JOBS)
async def put_job_progress(
    job_id: str, data: PutProgress, actor: Actor, job_progress: ProgressService
) -> ProgressView:
    """Say how far the job is; only the job itself may, with its own token."""
    said = await job_progress.put(job_id, data.percent, data.text, actor=actor)
    return ProgressView.of(said)


@get("/jobs/{job_id:str}/progress", READ_JOBS)
async def get_job_progress(
    job_id: str, actor: Actor, job_progress: ProgressService
) -> ProgressView:
    """Read how far a job is, by its own word."""
    return ProgressView.of(await job_progress.find(job_id, actor=actor))


ROUTES = (put_job_progress, get_job_progress)

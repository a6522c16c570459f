"""HTTP of control over single jobs."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.http import Idempotency, get, post
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.schemas import JobView
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.steering.control.schemas import LinkedJobView, RerunJob, RetryJob, SnoozeJob
from tidemill.jobs.steering.control.service import ControlService


@post("/jobs/{job_id:str}/retry", RUN_JOBS)
async def retry_job(
    job_id: str,
    actor: Actor,
    job_control: ControlService,
    item_links: ItemLinks,
    data: RetryJob | None = None,
) -> JobView:
    """Run a job again that ended without success.

    That is a new job with the same arguments and the rights of who retries it. Each job has one
    retry: asked again, this answers the one that there is.
    """
    wanted = data or RetryJob()
    job = await job_control.retry(job_id, actor=actor, code=wanted.code)
    return JobView.of(await item_links.shown(job, actor))


@post("/jobs/{job_id:str}/rerun", RUN_JOBS)
async def rerun_job(
    job_id: str,
    data: RerunJob,
    actor: Actor,
    idempotency: Idempotency,
    job_control: ControlService,
    item_links: ItemLinks,
) -> JobView:
    """Run the code of any job once more as a new job, with other arguments if you like."""
    once = idempotency.once(Job)
    new = await job_control.rerun(job_id, data.changes(), actor=actor, code=data.code, once=once)
    return JobView.of(await item_links.shown(new, actor))


@post("/jobs/{job_id:str}/snooze", RUN_JOBS, status_code=200)
async def snooze_job(
    job_id: str,
    data: SnoozeJob,
    actor: Actor,
    job_control: ControlService,
    item_links: ItemLinks,
) -> JobView:
    """Let a job that has not started wait for so many seconds from now on."""
    job = await job_control.snooze(job_id, seconds=data.seconds, actor=actor)
    return JobView.of(await item_links.shown(job, actor))


@post("/jobs/{job_id:str}/run-now", RUN_JOBS, status_code=200)
async def run_job_now(
    job_id: str, actor: Actor, job_control: ControlService, item_links: ItemLinks
) -> JobView:
    """Let a job start at once that waits for its time, or for its next attempt."""
    job = await job_control.run_now(job_id, actor=actor)
    return JobView.of(await item_links.shown(job, actor))


@get("/jobs/{job_id:str}/links", READ_JOBS)
async def get_job_links(
    job_id: str,
    actor: Actor,
    jobs: JobService,
    job_control: ControlService,
    item_links: ItemLinks,
) -> LinkedJobView:
    """Read which job this one was made from, and which one retries it."""
    job = await jobs.get(job_id, actor=actor)
    shown = await item_links.shown(job, actor)
    return LinkedJobView.of(shown, await job_control.links(job))


ROUTES = (retry_job, rerun_job, snooze_job, run_job_now, get_job_links)

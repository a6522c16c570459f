"""HTTP of attempts."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import get
from tidemill.jobs.permissions import READ_JOBS
from tidemill.jobs.records.attempts.schemas import AttemptPage, AttemptView
from tidemill.jobs.records.attempts.service import AttemptService


@get("/jobs/{job_id:str}/attempts", READ_JOBS)
async def list_job_attempts(
    job_id: str, page: PageRequest, actor: Actor, job_attempts: AttemptService
) -> AttemptPage:
    """List the attempts of a job: when, on which worker, at what cost and how each ended."""
    found = await job_attempts.of_job(page, job_id, actor=actor)
    return AttemptPage(
        items=[AttemptView.listed(one) for one in found.items], next_cursor=found.next_cursor
    )


@get("/jobs/{job_id:str}/attempts/{attempt:int}", READ_JOBS)
async def get_job_attempt(
    job_id: str, attempt: int, actor: Actor, job_attempts: AttemptService
) -> AttemptView:
    """Read how one attempt of a job went, with the whole of its error.

    Where the number was given to several executions, it is the latest of them.
    """
    return AttemptView.of(await job_attempts.get(job_id, attempt, actor=actor))


ROUTES = (list_job_attempts, get_job_attempt)

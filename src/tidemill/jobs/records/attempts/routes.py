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
        items=[AttemptView.of(one) for one in found.items], next_cursor=found.next_cursor
    )


ROUTES = (list_job_attempts,)

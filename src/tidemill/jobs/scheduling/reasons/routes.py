"""HTTP of explanations."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.http import get
from tidemill.jobs.permissions import READ_JOBS
from tidemill.jobs.scheduling.reasons.schemas import WhyView
from tidemill.jobs.scheduling.reasons.service import ReasonService


@get("/jobs/{job_id:str}/why", READ_JOBS)
async def explain(job_id: str, actor: Actor, job_reasons: ReasonService) -> WhyView:
    """Say what a job waits for, or how it ended; the id of a due time works too."""
    return WhyView.of(await job_reasons.why(job_id, actor=actor))


ROUTES = (explain,)

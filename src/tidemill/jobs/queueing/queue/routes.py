"""HTTP of jobs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Final

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.http import get, post
from tidemill.http.answers import Answer
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.schemas import JobView, ResultView
from tidemill.jobs.queueing.queue.service import JobService

Wait = Annotated[
    float,
    QueryParameter(
        name="wait", ge=0, le=60, description="Seconds to wait for the job's end, 0 to 60."
    ),
]


_NOT_ENDED: Final = ResponseSpec(
    ResultView, description="The job has not ended yet.", generate_examples=False
)


@get("/jobs/{job_id:str}/result", READ_JOBS, responses={202: _NOT_ENDED})
async def get_job_result(
    job_id: str, actor: Actor, jobs: JobService, wait: Wait = 0
) -> Response[ResultView]:
    """Read how a job ended: 200, or 202 while it has not; `wait` holds the answer back."""
    with jobs.waits.taken(actor) if wait else nullcontext():
        job = await jobs.wait_final(job_id, seconds=wait, actor=actor)
    return Answer(ResultView.of(job), status_code=200 if job.state.final else 202)


@post("/jobs/{job_id:str}/cancel", RUN_JOBS, status_code=200)
async def cancel_job(job_id: str, actor: Actor, jobs: JobService, item_links: ItemLinks) -> JobView:
    """End a job. One that runs is asked to stop; one that has ended stays as it is."""
    job = await jobs.cancel_job(job_id, actor=actor)
    return JobView.of(await item_links.shown(job, actor))


ROUTES = (get_job_result, cancel_job)

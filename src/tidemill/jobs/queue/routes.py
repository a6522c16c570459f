"""HTTP of jobs."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.contract import JobState
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queue.models import Job, JobFilter
from tidemill.jobs.queue.schemas import CreateJob, JobPage, JobView, ResultView
from tidemill.jobs.queue.service import JobService

Wait = Annotated[
    float,
    QueryParameter(
        name="wait", ge=0, le=60, description="Seconds to wait for the job's end, 0 to 60."
    ),
]


InState = Annotated[
    JobState | None, QueryParameter(name="state", description="Only jobs in this state.")
]


@post("/jobs", RUN_JOBS)
async def create_job(
    data: CreateJob, actor: Actor, idempotency: Idempotency, jobs: JobService
) -> JobView:
    """Start a job: a deployed script, or code in place.

    It is durable when this answers. The arguments are checked against the script's schema. The
    same `id` again answers the job that has it, as it is by then.
    """
    return JobView.of(await jobs.create(data.request(), actor=actor, once=idempotency.once(Job)))


@get("/jobs", READ_JOBS)
async def list_jobs(  # noqa: PLR0913 - each filter is a parameter of the query
    *,
    actor: Actor,
    jobs: JobService,
    in_state: InState = None,
    tag: str | None = None,
    script_path: str | None = None,
    work_item_id: str | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> JobPage:
    """List jobs, waiting, running and finished, the latest first."""
    wanted = JobFilter(state=in_state, tag=tag, script_path=script_path, work_item_id=work_item_id)
    found = await jobs.list(page_request(limit, cursor, wanted.digest), wanted, actor=actor)
    return JobPage(items=[JobView.of(job) for job in found.items], next_cursor=found.next_cursor)


@get("/jobs/{job_id:str}", READ_JOBS)
async def get_job(job_id: str, actor: Actor, jobs: JobService) -> JobView:
    """Read a job; a queued one says in `waiting_for` what it needs besides its turn."""
    job = await jobs.get(job_id, actor=actor)
    return JobView.of(job, await jobs.waiting_for(job))


_NOT_ENDED: Final = ResponseSpec(
    ResultView, description="The job has not ended yet.", generate_examples=False
)


@get("/jobs/{job_id:str}/result", READ_JOBS, responses={202: _NOT_ENDED})
async def get_job_result(
    job_id: str, actor: Actor, jobs: JobService, wait: Wait = 0
) -> Response[ResultView]:
    """Read how a job ended: 200, or 202 while it has not; `wait` holds the answer back."""
    job = await jobs.wait_final(job_id, seconds=wait, actor=actor)
    return Response(ResultView.of(job), status_code=200 if job.state.final else 202)


@post("/jobs/{job_id:str}/cancel", RUN_JOBS, status_code=200)
async def cancel_job(job_id: str, actor: Actor, jobs: JobService) -> JobView:
    """End a job. One that runs is asked to stop; one that has ended stays as it is."""
    return JobView.of(await jobs.cancel_job(job_id, actor=actor))


ROUTES = (create_job, list_jobs, get_job, get_job_result, cancel_job)

"""HTTP of those who start a job and stay: asynchronous, waiting, or as a stream of events."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Any, Final

from litestar import Response
from litestar.connection import Request
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.http import Idempotency, get, post
from tidemill.http.answers import Answer
from tidemill.http.streaming import kept_alive
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.models import Job, raw
from tidemill.jobs.queueing.queue.schemas import CreateJob
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.following.schemas import JobDetail, encoded
from tidemill.jobs.records.following.service import FollowingService
from tidemill.jobs.records.metrics.service import MetricService
from tidemill.jobs.records.progress.schemas import ProgressView
from tidemill.jobs.records.progress.service import ProgressService

_EVENT_STREAM: Final = "text/event-stream"
_UNKEPT: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Wait = Annotated[
    float,
    QueryParameter(
        name="wait",
        ge=0,
        le=60,
        description="Seconds to wait for the job's end, 0 to 60; the answer then has `result`.",
    ),
]


# What is compressed waits until there is much of it, so a line would not come as it is printed.
@post("/jobs", RUN_JOBS, opt={"stream": True})
async def create_job(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    data: CreateJob,
    actor: Actor,
    idempotency: Idempotency,
    jobs: JobService,
    job_following: FollowingService,
    item_links: ItemLinks,
    request: Request[Any, Any, Any],
    wait: Wait = 0,
) -> Response[JobDetail]:
    """Start a job: a deployed script, a function, or code in place.

    It is durable when this answers. The arguments are checked against the script's schema. The
    same `id` again answers the job that has it, as it is by then. With `wait` the answer is held
    back until the job has ended. With `Accept: text/event-stream` it is a stream of events: `job`,
    `log`, `progress` and in the end `result`.
    """
    is_stream = _EVENT_STREAM in request.headers.get("accept", "")
    if is_stream:
        # Or a job would be started, and the answer be that there is no room for one.
        jobs.waits.check_room(actor)
    waits = wait > 0 and not is_stream
    # For the same reason the place of who waits is taken before there is a job.
    with jobs.waits.taken(actor) if waits else nullcontext():
        job = await jobs.create(data.request(), actor=actor, once=idempotency.once(Job))
        # A limit may give a job that is there already instead of a new one.
        status = 201 if job.found_by is None else 200
        if waits:
            job = await jobs.wait_final(job.public_id, seconds=wait, actor=actor)
    # The one that is there already may be of an item that its starter sees no more.
    job = await item_links.shown(job, actor)
    if is_stream:
        events = kept_alive(encoded(job_following.follow(job, actor=actor)))
        stream: Any = Stream(events, media_type=_EVENT_STREAM, headers=_UNKEPT)
        return stream  # type: ignore[no-any-return]
    if waits:
        ended = structs.replace(JobDetail.of(job), result=raw(job.result))
        return Answer(ended, status_code=status)
    return Answer(JobDetail.of(job), status_code=status)


@get("/jobs/{job_id:str}", READ_JOBS)
async def get_job(
    job_id: str,
    actor: Actor,
    jobs: JobService,
    job_progress: ProgressService,
    job_metrics: MetricService,
    item_links: ItemLinks,
) -> JobDetail:
    """Read a job; a queued one says in `waiting_for` what it needs besides its turn."""
    job = await jobs.get(job_id, actor=actor)
    shown = await item_links.shown(job, actor)
    view = JobDetail.of(shown, await jobs.waiting_for(job))
    if job.epoch == 0:
        return view
    progress = await job_progress.of(job)
    return structs.replace(
        view,
        progress=None if progress is None else ProgressView.of(progress),
        metrics=await job_metrics.of(job) or None,
    )


ROUTES = (create_job, get_job)

"""HTTP of batches."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from tidemill.core.actor import Actor
from tidemill.http import Idempotency, post
from tidemill.http.bodies import ErrorDetail
from tidemill.jobs.control_errors import BatchRefused
from tidemill.jobs.permissions import RUN_JOBS
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.steering.batches.schemas import AcceptedJob, BatchView, CreateJobs, RefusedBatch
from tidemill.jobs.steering.batches.service import BatchService

_REFUSED = ResponseSpec(
    RefusedBatch, description="Some jobs are wrong; none was accepted.", generate_examples=False
)


@post(
    "/jobs/batch",
    RUN_JOBS,
    errors=(400, 401, 403, 404, 408, 409, 413, 429, 503),
    responses={422: _REFUSED},
)
async def create_jobs(
    data: CreateJobs, actor: Actor, idempotency: Idempotency, job_batches: BatchService
) -> Response[BatchView]:
    """Start up to 1000 jobs in one commit: all of them, or none.

    When some are wrong, `errors` names each with its place in the list and its field.
    """
    requests = [job.request() for job in data.jobs]
    try:
        jobs = await job_batches.create(requests, actor=actor, once=idempotency.once(list[Job]))
    except BatchRefused as wrong:
        return _refused(wrong)
    accepted = [AcceptedJob(id=job.public_id, state=job.state) for job in jobs]
    return Response(BatchView(jobs=accepted), status_code=201)


def _refused(wrong: BatchRefused) -> Response[Any]:
    detail = ErrorDetail(message=wrong.message, type=wrong.type, code=wrong.code)
    body = RefusedBatch(error=detail, errors=list(wrong.errors))
    return Response(body, status_code=wrong.status)


ROUTES = (create_jobs,)

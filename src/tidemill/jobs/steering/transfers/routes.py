"""HTTP of exports and imports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from tidemill.core.actor import Actor
from tidemill.http import Idempotency, get, post
from tidemill.http.bodies import ErrorDetail
from tidemill.jobs.control_errors import JobImportRefused
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.steering.transfers.models import JobImportReport
from tidemill.jobs.steering.transfers.schemas import NDJSON, JobLines, RefusedImport, request_of
from tidemill.jobs.steering.transfers.service import TransferService

History = Annotated[
    bool, QueryParameter(name="history", description="Jobs that have ended too, with results.")
]
DryRun = Annotated[
    bool, QueryParameter(name="dry_run", description="Say what would happen, and import nothing.")
]
_EXPORT: Final = ResponseSpec(
    str,
    description="Lines of JSON, each a job.",
    media_type=NDJSON,
    generate_examples=False,
)
_REFUSED: Final = ResponseSpec(
    RefusedImport, description="Some lines are wrong; none was imported.", generate_examples=False
)


@get("/job-export", READ_JOBS, opt={"stream": True}, media_type=NDJSON, responses={200: _EXPORT})
async def export_jobs(
    actor: Actor,
    job_transfers: TransferService,
    history: History = False,
) -> Stream:
    """Export the jobs that have not ended, the oldest first, one JSON document a line."""
    pages = job_transfers.export(history=history, actor=actor)

    async def text() -> AsyncIterator[bytes]:
        async for lines in pages:
            yield b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    return Stream(text(), media_type=NDJSON)


@post(
    "/job-import",
    RUN_JOBS,
    status_code=200,
    operation_class=JobLines,
    errors=(400, 401, 403, 404, 408, 409, 413, 429, 503),
    responses={422: _REFUSED},
)
async def import_jobs(
    request: Request[Any, Any, Any],
    actor: Actor,
    idempotency: Idempotency,
    job_transfers: TransferService,
    dry_run: DryRun = False,
) -> Response[JobImportReport]:
    """Import lines that an export wrote: all of them, or none.

    Jobs keep their ids, so that lines which come again make nothing double. Lines of jobs that
    have ended are skipped.
    """
    try:
        report = await job_transfers.import_lines(
            await request.body(),
            request_of,
            dry_run=dry_run,
            actor=actor,
            once=idempotency.once(JobImportReport),
        )
    except JobImportRefused as wrong:
        return _refused(wrong)
    return Response(report, status_code=200)


def _refused(wrong: JobImportRefused) -> Response[Any]:
    detail = ErrorDetail(message=wrong.message, type=wrong.type, code=wrong.code)
    return Response(RefusedImport(error=detail, errors=wrong.errors), status_code=wrong.status)


ROUTES = (export_jobs, import_jobs)

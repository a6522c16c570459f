"""HTTP of logs: pages as JSON, or a stream of server-sent events when asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.connection import Request
from litestar.params import QueryParameter
from litestar.response import Stream

from tidemill.core.actor import Actor
from tidemill.core.errors import InvalidInput
from tidemill.http import get
from tidemill.http.streaming import kept_alive
from tidemill.jobs.errors import ExecutionUnclear
from tidemill.jobs.permissions import READ_JOBS
from tidemill.jobs.records.logs.schemas import LogView
from tidemill.jobs.records.logs.service import (
    LogPage,
    LogService,
    Which,
    page_bytes_default,
    page_bytes_max,
)

_EVENT_STREAM: Final = "text/event-stream"
_EVENT_ID: Final = re.compile(r"(\d{1,9}):(\d{1,15})")
_offset_max: Final = 2**50

Attempt = Annotated[
    int | None,
    QueryParameter(
        name="attempt",
        ge=1,
        le=10**9,
        description="Which attempt, as the job's attempts are numbered; the latest by default.",
    ),
]
Execution = Annotated[
    int | None,
    QueryParameter(
        name="execution",
        ge=1,
        le=10**9,
        description="Instead of an attempt: which time of all that a worker was given the job.",
    ),
]
Offset = Annotated[
    int, QueryParameter(name="offset", ge=0, le=_offset_max, description="First byte to show.")
]
Bytes = Annotated[
    int,
    QueryParameter(name="bytes", ge=4, le=page_bytes_max, description="How many bytes at most."),
]


class InvalidLastEventId(InvalidInput):
    """`Last-Event-ID` is none that this stream gave."""

    code = "INVALID_LAST_EVENT_ID"

    def __init__(self) -> None:
        super().__init__(
            "Last-Event-ID must repeat the id of an event of this stream, such as 1:2048.",
            param="Last-Event-ID",
        )


# What is compressed waits until there is much of it, so a line would not come as it is printed.
@get("/jobs/{job_id:str}/logs", READ_JOBS, opt={"stream": True})
async def get_job_logs(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    job_id: str,
    actor: Actor,
    job_logs: LogService,
    request: Request[Any, Any, Any],
    attempt: Attempt = None,
    execution: Execution = None,
    offset: Offset = 0,
    bytes_: Bytes = page_bytes_default,
) -> Response[LogView]:
    """Read what a job has printed.

    With `Accept: text/event-stream` the output comes as it is printed: events `log` with `offset`
    and `text`, whose id resumes the stream as `Last-Event-ID`, and `end` with the final state.
    """
    if attempt is not None and execution is not None:
        raise ExecutionUnclear
    which = Which(attempt=attempt, execution=execution)
    if _EVENT_STREAM not in request.headers.get("accept", ""):
        page = await job_logs.page(
            job_id, which=which, offset=offset, bytes_max=bytes_, actor=actor
        )
        return Response(LogView.of(page))
    seen = request.headers.get("last-event-id")
    if seen is not None:
        match = _EVENT_ID.fullmatch(seen)
        if match is None:
            raise InvalidLastEventId
        which, offset = Which(execution=int(match[1])), int(match[2])
    # While an error can still be answered.
    await job_logs.check(job_id, which=which, actor=actor)
    pages = job_logs.follow(job_id, which=which, offset=offset, actor=actor)
    stream: Any = Stream(
        kept_alive(_events(pages)),
        media_type=_EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    return stream  # type: ignore[no-any-return]


async def _events(pages: AsyncIterator[LogPage]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield _event(page)


def _event(page: LogPage) -> bytes:
    body: dict[str, object] = {"job_id": page.job.public_id, "execution": page.execution}
    if page.text:
        name = "log"
        body |= {"offset": page.offset, "text": page.text}
    else:
        name = "end"
        body |= {"state": page.job.state}
    data = msgspec.json.encode(body).decode()
    return f"id: {page.execution}:{page.next_offset}\nevent: {name}\ndata: {data}\n\n".encode()


ROUTES = (get_job_logs,)

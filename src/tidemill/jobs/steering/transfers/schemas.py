"""How the queue is sent as lines."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from tidemill.http import View
from tidemill.http.bodies import ErrorDetail
from tidemill.http.texts import check_document
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.control_errors import LineError
from tidemill.jobs.queueing.queue.schemas import CreateJob
from tidemill.jobs.steering.transfers.models import Line

NDJSON = "application/x-ndjson"


class RefusedImport(View, frozen=True, kw_only=True):
    """Why nothing was imported: what is wrong with each line."""

    error: ErrorDetail
    errors: list[LineError]


@dataclass
class JobLines(Operation):
    """Describes the body, which is read as it comes."""

    def __post_init__(self) -> None:
        """Add the body to the operation."""
        line = '{"format":1,"state":"queued","job":{"id":"nightly-1","script_path":"f/nightly"}}'
        text = Schema(type=OpenAPIType.STRING, examples=[f"{line}\n"])
        self.request_body = RequestBody(
            required=True,
            description="Lines as the export writes them, up to 1000.",
            content={NDJSON: OpenAPIMediaType(schema=text)},
        )


def request_of(line: Line) -> JobRequest:
    """Return the request of a line, checked as a body is; raises what is wrong with it."""
    check_document(line.job, name="job")
    return msgspec.convert(line.job, CreateJob).request()

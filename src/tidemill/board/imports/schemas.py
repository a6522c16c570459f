"""How imports are sent and answered."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from msgspec import UNSET, UnsetType

from tidemill.board.imports.models import ImportReport
from tidemill.http import View
from tidemill.http.bodies import ErrorDetail


class RejectedImport(View, frozen=True, kw_only=True):
    """The answer to what is refused: the error and, where rows are wrong, the report of all."""

    error: ErrorDetail
    report: ImportReport | UnsetType = UNSET


@dataclass
class CsvUpload(Operation):
    """Describes the body, which is read as it comes: a file, or a form that holds one."""

    def __post_init__(self) -> None:
        """Add the body to the operation."""
        text = Schema(
            type=OpenAPIType.STRING, examples=["title,type\nRead the tide tables,story\n"]
        )
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"])
        self.request_body = RequestBody(
            required=True,
            description="The CSV file; its first line names the columns.",
            content={
                "text/csv": OpenAPIMediaType(schema=text),
                "multipart/form-data": OpenAPIMediaType(schema=form),
            },
        )

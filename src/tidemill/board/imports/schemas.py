"""How imports are sent and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from msgspec import UNSET, UnsetType

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import ImportMapping, ImportReport
from tidemill.http import View
from tidemill.http.bodies import ErrorDetail

mapping_bytes_max: Final = 65_536


class RejectedImport(View, frozen=True, kw_only=True):
    """The answer to what is refused: the error and, where rows are wrong, the report of all."""

    error: ErrorDetail
    report: ImportReport | UnsetType = UNSET


@dataclass
class FileUpload(Operation):
    """Describes the body, which is read as it comes: a file, or a form that holds one."""

    def __post_init__(self) -> None:
        """Add the body to the operation."""
        text = Schema(
            type=OpenAPIType.STRING, examples=["title,type\nRead the tide tables,story\n"]
        )
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        mapping = Schema(
            type=OpenAPIType.STRING,
            description="JSON: what columns and words of the file mean.",
            examples=['{"columns": {"Effort": "points"}, "statuses": {"On air": "done"}}'],
        )
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={"file": file, "mapping": mapping},
            required=["file"],
        )
        self.request_body = RequestBody(
            required=True,
            description="The file: CSV, whose first line names the columns, or JSON of a tool.",
            content={
                "text/csv": OpenAPIMediaType(schema=text),
                "application/json": OpenAPIMediaType(schema=Schema()),
                "multipart/form-data": OpenAPIMediaType(schema=form),
            },
        )


def mapping_of(text: str | bytes) -> ImportMapping:
    """Return the mapping of a form; raises `ImportUnreadable`."""
    if len(text) > mapping_bytes_max:
        raise ImportUnreadable(
            f"The mapping is longer than {mapping_bytes_max} bytes.", param="mapping"
        )
    try:
        return msgspec.json.decode(text, type=ImportMapping)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        names = ", ".join(ImportMapping.__struct_fields__)
        raise ImportUnreadable(
            f"The mapping cannot be read: {error}. It is an object of: {names}.", param="mapping"
        ) from error

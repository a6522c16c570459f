"""What an export answers, as its description tells it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
)

# The answer adds its charset.
CSV: Final = "text/csv"
CALENDAR: Final = "text/calendar"
DOCUMENT: Final = "application/json"
ARCHIVE: Final = "application/zip"


@dataclass
class ExportDownload(Operation):
    """Describes the answer: a text or an archive, of the type that was asked for."""

    def __post_init__(self) -> None:
        """Add what the handler's types cannot tell."""
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        whole = OpenAPIResponse(
            description="A line for each item, an event for each due day, or all that the "
            "project holds, as a document or with its files as an archive; the guide to exports "
            "lists the fields of that document.",
            content={
                CSV: text,
                CALENDAR: text,
                DOCUMENT: OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT)),
                ARCHIVE: OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
                ),
            },
        )
        self.responses = {**(self.responses or {}), str(int(HTTPStatus.OK)): whole}

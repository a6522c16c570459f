"""What an export answers, as its description tells it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from litestar.openapi.spec import (
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


@dataclass
class ExportDownload(Operation):
    """Describes the answer: a text of the type that was asked for."""

    def __post_init__(self) -> None:
        """Add what the handler's types cannot tell."""
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        whole = OpenAPIResponse(
            description="A line for each item, an event for each due day, or all that the "
            "project holds; the guide to exports lists the fields of that document.",
            content={
                CSV: text,
                CALENDAR: text,
                DOCUMENT: OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT)),
            },
        )
        self.responses = {**(self.responses or {}), str(int(HTTPStatus.OK)): whole}

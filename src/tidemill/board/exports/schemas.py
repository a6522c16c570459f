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


@dataclass
class ExportDownload(Operation):
    """Describes the answer: a text of the type that was asked for."""

    def __post_init__(self) -> None:
        """Add what the handler's types cannot tell."""
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        whole = OpenAPIResponse(
            description="A line for each item, or an event for each due day.",
            content={CSV: text, CALENDAR: text},
        )
        self.responses = {**(self.responses or {}), str(int(HTTPStatus.OK)): whole}

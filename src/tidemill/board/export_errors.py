"""Failures of exports."""

from __future__ import annotations

from tidemill.core.errors import InvalidInput


class DocumentIsWhole(InvalidInput):
    """A project document holds all of a project, and a filter was given."""

    code = "DOCUMENT_IS_WHOLE"

    def __init__(self) -> None:
        super().__init__(
            "A project document holds all items. Leave filter out, or export another format.",
            param="filter",
        )

"""What each log line says of the request that it belongs to.

The fields are asked for when a line is written, not when a request comes: most requests write one
line, and what they know of their caller changes on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, Protocol


class LogFields(Protocol):
    """Something that happens, and what its log lines say of it."""

    def log_fields(self) -> Mapping[str, str]:
        """Return the fields of a line that is written now."""
        ...


LOG_CONTEXT: Final[ContextVar[LogFields | None]] = ContextVar("log context", default=None)


def trace_fields(traceparent: str | None) -> Mapping[str, str]:
    """Return the ids of a W3C `traceparent`, whose form was checked where it came in."""
    if traceparent is None:
        return {}
    _, trace_id, span_id, _ = traceparent.split("-", 3)
    return {"trace_id": trace_id, "span_id": span_id}

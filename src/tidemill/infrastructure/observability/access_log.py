"""One line for each request that was answered.

It says what `log.info("http.request", …)` would, without the steps that only other lines need:
these are most of the lines that a process writes.
"""

from __future__ import annotations

from typing import Final

from tidemill.core.log_context import LOG_CONTEXT
from tidemill.infrastructure.observability.logs import LEVELS, State, rendered
from tidemill.infrastructure.observability.redaction import clean_field
from tidemill.infrastructure.observability.sink import SINK

_info: Final = LEVELS["info"]


def log_request(method: str, route: str, status: int, seconds: float) -> None:
    """Write the line of a request, and of who asked; call it on the request's loop."""
    if not State.on or State.threshold > _info:
        return
    context = LOG_CONTEXT.get()
    fields = context.log_fields() if context is not None else {}
    safe = {name: clean_field(name, value) for name, value in fields.items()}
    safe["method"] = clean_field("method", method)
    safe["route"] = clean_field("route", route)
    safe["status"] = status
    safe["ms"] = round(seconds * 1000, 2)
    SINK.hold(rendered("info", "http.request", "tidemill.api.edge", safe))

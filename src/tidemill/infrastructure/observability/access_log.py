"""One line for each request that was answered.

It says what `log.info("http.request", …)` would, without the steps that only other lines need:
these are most of the lines that a process writes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tidemill.core.log_context import LOG_CONTEXT
from tidemill.infrastructure.observability.logs import LEVELS, State, rendered
from tidemill.infrastructure.observability.redaction import clean_field
from tidemill.infrastructure.observability.sink import SINK

_info: Final = LEVELS["info"]
_NEW: Final = frozenset({"request_id", "trace_id", "span_id"})
"""What each request has of its own: kept, these would push out what comes again."""


def log_request(method: str, route: str, status: int, seconds: float) -> None:
    """Write the line of a request, and of who asked; call it on the request's loop."""
    if not State.on or State.threshold > _info:
        return
    context = LOG_CONTEXT.get()
    safe: dict[str, object] = {}
    if context is not None:
        for name, value in context.log_fields().items():
            safe[name] = clean_field(name, value) if name in _NEW else _clean_again(name, value)
    safe["method"] = _clean_again("method", method)
    safe["route"] = _clean_again("route", route)
    safe["status"] = status
    safe["ms"] = round(seconds * 1000, 2)
    SINK.hold(rendered("info", "http.request", "tidemill.api.edge", safe))


@lru_cache(maxsize=4096)
def _clean_again(name: str, value: str) -> object:
    return clean_field(name, value)

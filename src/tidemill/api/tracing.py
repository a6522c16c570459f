"""The span of a request: from its first byte here to the last of its answer."""

from __future__ import annotations

from typing import Final

from tidemill.core.tracing import Span, SpanKind, tracer
from tidemill.http.authentication import RequestContext

_UNTRACED: Final = frozenset({"/health", "/live", "/ready", "/metrics"})
"""Probes come every few seconds, and a trace of them tells nothing that they do not answer."""
_STATUS_FAILED_MIN: Final = 500


def begin_request(method: str, path: str, context: RequestContext) -> Span | None:
    """Begin a span below the caller's, and let what the request does go on from it."""
    tracing = tracer()
    if tracing is None or path in _UNTRACED:
        return None
    attributes = {"http.request.method": method}
    span = tracing.start(method, SpanKind.SERVER, context.traceparent, attributes)
    context.traceparent = span.traceparent or context.traceparent
    return span


def end_request(span: Span, method: str, route: str, status: int, context: RequestContext) -> None:
    """Say what was asked for, by which tenant, and how it was answered.

    A status of 0 is that of a caller who left before there was an answer.
    """
    span.rename(f"{method} {route}")
    attributes: dict[str, str | int] = {"http.route": route}
    if status:
        attributes["http.response.status_code"] = status
    if context.actor is not None:
        attributes["tidemill.tenant.id"] = context.actor.tenant_id
    span.end(attributes, error=f"HTTP {status}" if status >= _STATUS_FAILED_MIN else None)

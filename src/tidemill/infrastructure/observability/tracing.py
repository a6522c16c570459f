"""Spans of OpenTelemetry, of its SDK in this process."""

from __future__ import annotations

from typing import Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tidemill.core import tracing
from tidemill.core.tracing import NO_ATTRIBUTES, Attributes, SpanKind

_FORMAT: Final = TraceContextTextMapPropagator()
_FIELD: Final = "traceparent"
_KINDS: Final = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.PRODUCER: trace.SpanKind.PRODUCER,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
}


class OtelSpan:
    """A span of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _FORMAT.inject(carrier, context=trace.set_span_in_context(span))
        # Nothing is injected for a span without ids, which is what an unset provider makes.
        self._traceparent = carrier.get(_FIELD)

    @property
    def traceparent(self) -> str | None:
        """See `Span.traceparent`."""
        return self._traceparent

    def enter(self) -> None:
        """See `Span.enter`."""
        contexts.attach(trace.set_span_in_context(self._span))

    def rename(self, name: str) -> None:
        """See `Span.rename`."""
        self._span.update_name(name)

    def end(self, attributes: Attributes = NO_ATTRIBUTES, *, error: str | None = None) -> None:
        """See `Span.end`."""
        self._span.set_attributes(dict(attributes))
        if error is not None:
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        self._span.end()


class OtelTracer:
    """Makes spans by whatever provider the process has; see `Tracer`."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start(
        self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes
    ) -> tracing.Span:
        """See `Tracer.start`."""
        context = None if parent is None else _FORMAT.extract({_FIELD: parent})
        span = self._tracer.start_span(
            name, context=context, kind=_KINDS[kind], attributes=dict(attributes)
        )
        return OtelSpan(span)


def export_traces(role: str, version: str) -> None:
    """Trace this process, and send the spans where the OTEL_* variables say.

    What is left at the end of the process is sent then.
    """
    provider = TracerProvider(resource=resource_of(role, version))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(provider)


def resource_of(role: str, version: str) -> Resource:
    """Return how this process names itself; OTEL_SERVICE_NAME and the like win."""
    own = {"service.name": "tidemill", "service.version": version, "tidemill.role": role}
    resource = Resource(own).merge(Resource.create())
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "tidemill"}))
    return resource


def trace_by(provider: trace.TracerProvider) -> None:
    """Trace this process by `provider`."""
    tracing.install(OtelTracer(provider.get_tracer("tidemill")))


def trace_as_the_program() -> None:
    """Trace this process by the provider that the program itself has set."""
    tracing.install(OtelTracer(trace.get_tracer("tidemill")))

from __future__ import annotations

import pytest
from opentelemetry import trace

from tidemill.core.tracing import SpanKind
from tidemill.infrastructure.observability.tracing import OtelTracer, resource_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("parent", [None, "", PARENT])
def test_otel_tracer_without_a_provider_leads_on_to_the_parent_if_there_is_one(
    parent: str | None,
) -> None:
    span = OtelTracer(trace.NoOpTracer()).start("enqueue", SpanKind.PRODUCER, parent, {})

    span.end()

    assert span.traceparent == (parent or None)


def test_resource_of_names_the_product_and_the_role() -> None:
    named = resource_of("worker", "1.0").attributes

    assert (named["service.name"], named["tidemill.role"]) == ("tidemill", "worker")


def test_resource_of_lets_the_standard_variables_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "harbour")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=night")

    named = resource_of("api", "1.0").attributes

    assert (named["service.name"], named["deployment.environment"]) == ("harbour", "night")

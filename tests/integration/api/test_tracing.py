"""A request is a span: below its caller's, and above what it starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.fixtures.app import make_app
from tidemill.core import tracing
from tidemill.infrastructure.observability.tracing import trace_by

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
INCOMING = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_by(provider)
    yield exporter
    tracing.install(None)
    provider.shutdown()


async def test_tracing_integration_leads_from_a_caller_over_its_request_to_the_queue(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    job = {"language": "python", "content": "def main(): pass"}
    async with make_app(tmp_path) as app:
        exporter.clear()
        answer = await app.owner.post("/api/v1/jobs", json=job, headers=INCOMING)
        tenant = (await app.owner.get("/api/v1/auth/me")).json()["tenant"]["id"]

    enqueued, asked, _ = exporter.get_finished_spans()
    attributes = dict(asked.attributes or {})
    assert (asked.name, asked.kind) == ("POST /api/v1/jobs", SpanKind.SERVER)
    assert _parent(asked) == (TRACE, SPAN)
    assert _parent(enqueued) == _own(asked)
    assert attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/jobs",
        "http.response.status_code": answer.status_code,
        "tidemill.tenant.id": tenant,
    }


async def test_tracing_integration_names_routes_by_their_template_and_leaves_probes_out(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async with make_app(tmp_path) as app:
        exporter.clear()
        await app.anonymous.get("/health")
        await app.owner.get("/api/v1/jobs/none")

    spans = [
        (span.name, (span.attributes or {}).get("http.response.status_code"))
        for span in exporter.get_finished_spans()
    ]
    assert spans == [("GET /api/v1/jobs/{job_id}", 404)]


def _own(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def _parent(span: ReadableSpan) -> tuple[str, str]:
    assert span.parent is not None
    return f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}"

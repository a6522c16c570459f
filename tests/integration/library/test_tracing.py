"""Spans of a program's jobs go where the program's own OpenTelemetry sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.fixtures import shop as program
from tests.fixtures.library import Shop, make_shop
from tidemill import JobFailed
from tidemill.core import tracing
from tidemill.infrastructure.observability.tracing import trace_by

pytestmark = pytest.mark.anyio
seconds = 60.0


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with make_shop("sqlite") as made:
        yield made


@pytest.fixture
def provider() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_by(provider)
    yield provider, exporter
    tracing.install(None)
    provider.shutdown()


async def test_tracing_integration_joins_a_program_its_jobs_and_their_children(
    shop: Shop, provider: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    async with shop.app.worker():
        with provider[0].get_tracer("program").start_as_current_span("request"):
            job = await program.tell_from_the_loop.options(app=shop.app).enqueue()
        await job.result(seconds)

    spans = provider[1].get_finished_spans()
    request = next(span for span in spans if span.name == "request")
    chain = [request]
    while below := [span for span in spans if _parent(span) == _id(chain[-1])]:
        chain += below
    assert [span.name for span in chain] == [
        "request",
        "enqueue",
        "job.run",
        "enqueue",
        "job.run",
    ], "the last two are of the child that the function runs"
    assert (chain[1].attributes or {})["tidemill.job.id"] == job.id
    assert (chain[2].attributes or {})["tidemill.job.id"] == job.id


async def test_tracing_integration_tells_failed_runs(
    shop: Shop, provider: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    async with shop.app.worker():
        job = await program.fail.options(app=shop.app).enqueue("no tide")
        with pytest.raises(JobFailed):
            await job.result(seconds)

    ran = next(one for one in provider[1].get_finished_spans() if one.name == "job.run")
    assert ran.status.status_code is trace.StatusCode.ERROR
    assert (ran.attributes or {})["tidemill.job.verdict"] == "failed"


def _id(span: ReadableSpan) -> int:
    assert span.context is not None
    span_id: int = span.context.span_id
    return span_id


def _parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from tidemill.core import tracing
from tidemill.runtime.tracing import start_tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
URL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    # A queue that another test has opened here may have installed one.
    before = tracing.tracer()
    tracing.install(None)
    yield
    tracing.install(before)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {ENDPOINT: ""},
        {ENDPOINT: URL, "OTEL_SDK_DISABLED": "true"},
        {ENDPOINT: URL, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_start_tracing_leaves_a_process_alone_unless_it_is_asked(
    environment: dict[str, str],
) -> None:
    assert not start_tracing("api", environment)
    assert tracing.tracer() is None


def test_start_tracing_says_which_protocol_it_speaks() -> None:
    environment = {ENDPOINT: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    with structlog.testing.capture_logs() as lines:
        assert not start_tracing("api", environment)

    assert lines[0]["event"] == "tracing.protocol.unknown"


def test_start_tracing_loads_nothing_of_opentelemetry_by_itself() -> None:
    code = (
        "import sys, tidemill.runtime.tracing as t; t.start_tracing('worker', {});"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_start_tracing_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tidemill.infrastructure.observability.tracing", None)

    with structlog.testing.capture_logs() as lines:
        assert not start_tracing("api", {ENDPOINT: URL})

    assert lines[0]["fix"] == "pip install 'tidemill[otel]'"

"""Turns tracing on where the standard variables of OpenTelemetry ask for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

import structlog

from tidemill import __version__
from tidemill.core import tracing

log = structlog.get_logger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL: Final = "http/protobuf"


def start_tracing(role: str, environment: Mapping[str, str] | None = None) -> bool:
    """Send spans of this process where `OTEL_EXPORTER_OTLP_ENDPOINT` says; return if that is so.

    Without an endpoint nothing of OpenTelemetry is loaded.
    """
    values = os.environ if environment is None else environment
    if not _wanted(values):
        return False
    protocol = next((values[name] for name in _PROTOCOLS if values.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        log.warning("tracing.protocol.unknown", protocol=protocol, known=_PROTOCOL)
        return False
    try:
        # Imported here, since few processes are traced, and it takes 10 MB.
        from tidemill.infrastructure.observability.tracing import (  # noqa: PLC0415 - as said
            export_traces,
        )
    except ImportError:
        log.warning("tracing.not_installed", fix="pip install 'tidemill[otel]'")
        return False
    export_traces(role, __version__)
    return True


def trace_as_the_program() -> None:
    """Trace what is enqueued here by the OpenTelemetry of the program, if it has loaded that."""
    if tracing.tracer() is not None or "opentelemetry.sdk.trace" not in sys.modules:
        return
    try:
        from tidemill.infrastructure.observability import (  # noqa: PLC0415 - only then there
            tracing as adapter,
        )
    except ImportError:
        return
    adapter.trace_as_the_program()


def _wanted(values: Mapping[str, str]) -> bool:
    if values.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if values.get("OTEL_TRACES_EXPORTER", "otlp").lower() != "otlp":
        return False
    return any(values.get(name) for name in ENDPOINTS)

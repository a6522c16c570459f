from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog

from tidemill.core.log_context import LOG_CONTEXT
from tidemill.infrastructure.observability import configure_logging, log_request
from tidemill.infrastructure.observability.logs import State
from tidemill.infrastructure.observability.sink import SINK

pytestmark = pytest.mark.anyio


class _Request:
    def __init__(self, **fields: str) -> None:
        self._fields = fields

    def log_fields(self) -> Mapping[str, str]:
        return self._fields


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    saved = structlog.get_config()
    for name in ("on", "threshold", "as_json", "fixed"):
        monkeypatch.setattr(State, name, getattr(State, name))
    monkeypatch.setattr(SINK, "stream", SINK.stream)
    yield
    structlog.configure(**saved)
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


async def logged(request: _Request | None, *, level: str = "info", as_json: bool = True) -> bytes:
    stream = io.BytesIO()
    configure_logging(level=level, as_json=as_json, stream=stream, once=False, role="api")
    token = LOG_CONTEXT.set(request)
    log_request("GET", "/api/v1/things/{id}", 200, 0.0123456)
    LOG_CONTEXT.reset(token)
    await asyncio.sleep(0)
    return stream.getvalue()


async def test_log_request_says_what_the_general_logger_would() -> None:
    request = _Request(request_id="r-1", tenant_id="t1", actor="user:u1")

    line = json.loads(await logged(request))

    stream = io.BytesIO()
    configure_logging(level="info", as_json=True, stream=stream, once=False, role="api")
    LOG_CONTEXT.set(request)
    structlog.get_logger("tidemill.api.edge").info(
        "http.request", method="GET", route="/api/v1/things/{id}", status=200, ms=12.35
    )
    general = json.loads(stream.getvalue())
    assert _without_time(line) == _without_time(general)
    assert list(line) == list(general)


async def test_log_request_hides_a_secret_in_a_request_id() -> None:
    secret = "tmk_0123456789abcdef0123456789abcdef"

    line = await logged(_Request(request_id=secret))

    assert secret.encode() not in line
    assert json.loads(line)["request_id"] == "[redacted]"


async def test_log_request_writes_text_for_people() -> None:
    line = await logged(_Request(request_id="r-1"), as_json=False)

    assert b"info    http.request role=api request_id=r-1 method=GET" in line
    assert line.endswith(b"status=200 ms=12.35\n")


async def test_log_request_is_silent_above_its_level() -> None:
    assert await logged(_Request(request_id="r-1"), level="warning") == b""


async def test_log_request_without_a_request_says_the_rest() -> None:
    line = json.loads(await logged(None))

    assert (line["route"], line["status"], line["ms"]) == ("/api/v1/things/{id}", 200, 12.35)


def _without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "at"}

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.app import make_app
from tests.fixtures.logs import written_logs

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    with written_logs() as stream:
        yield stream


async def test_log_lines_integration_name_request_caller_tenant_and_trace(
    tmp_path: Path, written: io.BytesIO
) -> None:
    headers = {"X-Request-ID": "request-4711", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    async with make_app(tmp_path) as app:
        await app.owner.get("/api/v1/projects", headers=headers)
        await app.anonymous.get("/health")
        me = (await app.owner.get("/api/v1/auth/me")).text

    asked, health = (_line(written, route) for route in ("/api/v1/projects", "/health"))
    assert asked["request_id"] == "request-4711"
    assert (asked["trace_id"], asked["span_id"]) == (TRACE, SPAN)
    assert asked["tenant_id"] in me
    assert asked["actor"].startswith("user:")
    assert not {"tenant_id", "actor", "trace_id"} & set(health)


def _line(written: io.BytesIO, route: str) -> dict[str, Any]:
    lines = [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    found = next(line for line in lines if line.get("route") == route)
    assert isinstance(found, dict)
    return found

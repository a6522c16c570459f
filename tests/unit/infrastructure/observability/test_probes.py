from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from tests.fixtures.ports import free_port
from tidemill.core.config import ConfigRefused
from tidemill.infrastructure.observability import Health, Metrics
from tidemill.infrastructure.observability.probes import probes

pytestmark = pytest.mark.anyio


class _Part:
    """A part of a process that works until it is broken."""

    def __init__(self) -> None:
        self.reason: str | None = None

    async def check(self) -> str | None:
        return self.reason


@pytest.fixture
def part() -> _Part:
    return _Part()


@pytest.fixture
async def address(part: _Part) -> AsyncIterator[str]:
    health = Health()
    health.add("part", part.check, kept=0.0)
    where = f"127.0.0.1:{free_port()}"
    async with probes(where, health, Metrics(version="1", role="worker")):
        yield where


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        yield client


@pytest.mark.parametrize("path", ["/live", "/health", "/live?from=kubelet"])
async def test_probes_say_that_the_loop_turns(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.text) == (200, "OK")


async def test_probes_say_which_part_does_not_work(part: _Part, client: httpx.AsyncClient) -> None:
    ready = await client.get("/ready")
    part.reason = "It is away."
    broken = await client.get("/ready")

    assert (ready.status_code, broken.status_code) == (200, 503)
    assert ready.headers["content-type"] == "application/json"
    assert ready.json()["ready"] is True
    assert broken.json() == {
        "ready": False,
        "parts": [{"name": "part", "ready": False, "vital": True, "reason": "It is away."}],
    }


async def test_probes_show_figures(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'role="worker"' in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/v1/jobs", 404), ("POST", "/ready", 405)]
)
async def test_probes_answer_nothing_else(
    method: str, path: str, status: int, client: httpx.AsyncClient
) -> None:
    assert (await client.request(method, path)).status_code == status


async def test_probes_answer_head_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/live")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_probes_hang_up_on_an_endless_head(address: str, client: httpx.AsyncClient) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(b"GET /live HTTP/1.1\r\nx: " + b"x" * 100_000)
    # It may hang up before all was sent.
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()

    assert (await client.get("/live")).status_code == 200


async def test_probes_without_an_address_listen_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    listened: list[object] = []
    monkeypatch.setattr(asyncio, "start_server", lambda *given, **_: listened.append(given))

    async with probes("", Health(), Metrics(version="1", role="worker")):
        pass

    assert listened == []


async def test_probes_refuse_an_address_that_is_taken(address: str) -> None:
    with pytest.raises(ConfigRefused, match=address):
        async with probes(address, Health(), Metrics(version="1", role="worker")):
            pytest.fail("Two listen at one address.")

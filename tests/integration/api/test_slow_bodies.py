"""Bodies that do not come, over a socket to the application's own server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from uvicorn.server import ServerState

from tests.fixtures.app import App, make_app
from tidemill.api.http_protocol import HttpProtocol
from tidemill.api.http_server import http_server
from tidemill.events import LIVE_CONNECTIONS

pytestmark = pytest.mark.anyio

_HEAD = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\n"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as app:
        yield app


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    config = http_server(app.application.asgi, stop_seconds_max=1).config
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpProtocol(config=config, server_state=ServerState(), app_state={}),
        "127.0.0.1",
        0,
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _answers(port: int, sent: bytes) -> bytes:
    """Return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(60):
        answers = await reader.read()
    writer.close()
    return answers


@pytest.mark.parametrize(
    "body",
    [
        b"content-length: 100\r\n\r\n",
        b'content-length: 100\r\n\r\n{"email": ',
        b'transfer-encoding: chunked\r\n\r\n4\r\n{"em\r\n',
    ],
    ids=["none of it", "a part of it", "a chunk of it"],
)
async def test_server_integration_a_body_that_does_not_come_is_refused(
    body: bytes, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.05)

    head, _, said = (await _answers(port, _HEAD + body)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(said)["error"]["code"] == "BODY_TOO_SLOW"


async def test_server_integration_an_answer_may_take_longer_than_its_body(
    app: App, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = app.owner.headers["authorization"].encode()
    body = json.dumps({"language": "bash", "content": "true"}).encode()
    head = b"authorization: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    monkeypatch.setattr("tidemill.http.requests.body_seconds_max", 0.05)

    # No worker runs: it is waited for as long as is asked for.
    asked = b"POST /api/v1/jobs?wait=0.5 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    answer = await _answers(port, asked + head % (token, len(body)) + body)

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_server_integration_a_stream_that_nobody_reads_gives_its_place_back(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.api.http_protocol.unread_seconds_max", 0.1)
    project = (await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "T"})).json()
    hub: Any = app.application.process.composition.ports[LIVE_CONNECTIONS]
    config = http_server(app.application.asgi, stop_seconds_max=1).config
    config.load()
    # Small buffers of the system, which take in much otherwise.
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpProtocol(config=config, server_state=ServerState(), app_state={}),
        sock=listener,
    )
    async with server:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(listener.getsockname())
        credentials = f"authorization: {app.owner.headers['authorization']}\r\n\r\n".encode()
        client.sendall(b"GET /api/v1/events HTTP/1.1\r\nhost: a\r\n" + credentials)
        async with asyncio.timeout(60):
            while not hub.figures.connections:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

            rows = "".join(f"Item {number} of the backlog\n" for number in range(200))
            imported = await app.owner.post(
                f"/api/v1/projects/{project['id']}/imports",
                content=f"title\n{rows}",
                headers={"content-type": "text/csv"},
            )
            assert imported.is_success, imported.text
            while hub.figures.connections:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        client.close()

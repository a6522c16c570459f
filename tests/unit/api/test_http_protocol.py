from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from uvicorn.server import ServerState

from tidemill.api.http_protocol import HttpProtocol
from tidemill.api.http_server import http_server

pytestmark = pytest.mark.anyio


async def _headers(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the headers that came."""
    while (await receive()).get("more_body"):
        pass
    body = b"\n".join(name + b": " + value for name, value in scope["headers"])
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = http_server(_headers, stop_seconds_max=1).config
    config.load()
    assert config.http_protocol_class is HttpProtocol
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpProtocol(config=config, server_state=ServerState(), app_state={}),
        "127.0.0.1",
        0,
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _answer(port: int, *parts: bytes) -> tuple[bytes, bytes]:
    """Send `parts`, each in a packet of its own, and return the status line and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
    writer.close()
    return head.partition(b"\r\n")[0], body


def _code(body: bytes) -> str:
    return str(msgspec.json.decode(body)["error"]["code"])


async def test_head_without_end_is_refused(port: int) -> None:
    line = b"x-long: " + b"y" * 20_000 + b"\r\n"

    status, body = await _answer(port, b"GET / HTTP/1.1\r\n", *[line] * 4)

    assert (status.split()[1], _code(body)) == (b"431", "HEAD_TOO_LARGE")


async def test_one_header_without_end_is_refused(port: int) -> None:
    status, body = await _answer(port, b"GET / HTTP/1.1\r\nx: ", *[b"y" * 20_000] * 4)

    assert (status.split()[1], _code(body)) == (b"431", "HEAD_TOO_LARGE")


async def test_heads_in_parts_are_read_one_after_another(port: int) -> None:
    request = (b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, b"y" * 20_000, b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        for part in request:
            writer.write(part)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(40_003)
    writer.close()


async def test_head_that_does_not_come_ends_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.api.http_protocol.head_seconds_max", 0.05)
    for begun in (b"", b"GET / HTTP/1.1\r\nhost: a\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()


async def test_trailers_are_no_headers(port: int) -> None:
    """No proxy has looked at them: one could name another address, or credential."""
    status, body = await _answer(
        port,
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        b"1\r\nx\r\n0\r\nx-forwarded-for: 127.0.0.1\r\n\r\n",
    )

    assert status.split()[1] == b"200"
    assert body == b"host: a\ntransfer-encoding: chunked"


async def test_what_is_not_http_is_refused_in_the_one_format(port: int) -> None:
    status, body = await _answer(port, b"\x16\x03\x01 hello\r\n\r\n")

    assert (status.split()[1], _code(body)) == (b"400", "HTTP_MALFORMED")

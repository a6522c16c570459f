from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from uvicorn.server import ServerState

from tidemill.api.http_protocol import HttpProtocol, _bytes_taken
from tidemill.api.http_server import http_server
from tidemill.http.requests import BODY_IS_THERE

pytestmark = pytest.mark.anyio


async def _headers(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the headers that came."""
    while (await receive()).get("more_body"):
        pass
    body = b"\n".join(name + b": " + value for name, value in scope["headers"])
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def _at_once(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a look at the body, and take a WebSocket until the client leaves it."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    length = (b"content-length", b"2")
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"OK"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with _serving(_headers) as port:
        yield port


@contextlib.asynccontextmanager
async def _serving(
    app: Any, made: list[HttpProtocol] | None = None, **changed: Any
) -> AsyncIterator[int]:
    config = http_server(app, stop_seconds_max=1).config
    for name, value in changed.items():
        setattr(config, name, value)
    config.load()
    assert config.http_protocol_class is HttpProtocol
    protocols = [] if made is None else made

    def a_protocol() -> HttpProtocol:
        protocols.append(HttpProtocol(config=config, server_state=ServerState(), app_state={}))
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(a_protocol, "127.0.0.1", 0)
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


async def test_scope_tells_whether_the_body_is_there() -> None:
    seen: asyncio.Queue[bool] = asyncio.Queue()

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.put_nowait(BODY_IS_THERE in scope)
        await _headers(scope, receive, send)

    head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
    async with _serving(look) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(60):
            writer.write(head + b"body")
            whole = await seen.get()
            await reader.readuntil(b"content-length: 4")
            writer.write(head)
            begun = await seen.get()
            writer.write(b"body")
            await reader.readuntil(b"\r\n\r\nhost: a\ncontent-length: 4")
        writer.close()

    assert (whole, begun) == (True, False)


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


@pytest.mark.parametrize(
    "late", [b"", b"\r\n", b"the rest"], ids=["nothing", "an empty line", "of its body"]
)
async def test_connection_that_asks_for_nothing_more_ends(late: bytes) -> None:
    async with _serving(_at_once, timeout_keep_alive=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        length = b"content-length: %d\r\n\r\n" % len(late) if late.strip() else b"\r\n"
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\n" + length)
        async with asyncio.timeout(60):
            await reader.readuntil(b"\r\n\r\nOK")
            writer.write(late)
            await reader.read()
        writer.close()


async def test_websocket_after_an_answer_stays_open() -> None:
    made: list[HttpProtocol] = []
    upgrade = (
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with _serving(_at_once, made) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(60):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            await reader.readuntil(b"\r\n\r\nOK")
            writer.write(upgrade)
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")

        assert [one.timeout_keep_alive_task for one in made] == [None], "no clock ends it"
        writer.close()


class _Endless:
    """Sends until its client is gone."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sending = asyncio.create_task(self._send(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()
        self.left.set()

    async def _send(self, send: Any) -> None:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            # To send to a client that is gone waits for nothing, and lets nobody else go on.
            await asyncio.sleep(0)


async def test_client_that_never_reads_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill.api.http_protocol.unread_seconds_max", 0.1)
    app = _Endless()
    async with _serving(app) as port:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")

        async with asyncio.timeout(60):
            await app.left.wait()

    client.close()


async def test_client_that_reads_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    # The looks are those of the test.
    monkeypatch.setattr("tidemill.api.http_protocol.unread_seconds_max", 3_600)
    app, made = _Endless(), list[HttpProtocol]()
    async with _serving(app, made) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        async with asyncio.timeout(60):
            for _ in range(5):
                while not made or not made[0].transport.get_write_buffer_size():  # noqa: ASYNC110 - the transport tells nobody
                    await asyncio.sleep(0)
                made[0]._check_reader()
                # More than lies in any buffer on the way.
                await reader.readexactly(16 * 1024 * 1024)

        assert not made[0].transport.is_closing()
        writer.close()
        await app.left.wait()


async def test_client_that_reads_slowly_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's buffers hold so much that ours stays as it is while a slow client reads."""
    monkeypatch.setattr("tidemill.api.http_protocol.unread_seconds_max", 3_600)
    loop, app, made = asyncio.get_running_loop(), _Endless(), list[HttpProtocol]()
    async with _serving(app, made) as port, asyncio.timeout(60):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        client.setblocking(False)
        await loop.sock_recv(client, 16_384)
        while not made[0].transport.get_write_buffer_size():  # noqa: ASYNC110 - the transport tells nobody
            await asyncio.sleep(0)
        for _ in range(5):
            made[0]._check_reader()
            before = _bytes_taken(made[0].transport)
            while _bytes_taken(made[0].transport) == before:
                await loop.sock_recv(client, 16_384)

        assert not made[0].transport.is_closing()
        client.close()
        await app.left.wait()

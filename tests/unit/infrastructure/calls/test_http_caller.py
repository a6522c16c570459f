"""Calls to a server that says byte by byte what the test wants (E1)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from tests.fixtures.certificates import Authority
from tidemill.infrastructure.calls.approving import AddressRefused
from tidemill.infrastructure.calls.http_caller import HttpCaller

pytestmark = pytest.mark.anyio


class Told(Struct):
    """What the server was told, and where it is."""

    port: int = 0
    requests: list[bytes] = []
    names: list[str | None] = []


@asynccontextmanager
async def _server(answer: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Told]:
    told = Told(requests=[], names=[])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        told.requests.append(head + await reader.read(4))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    told.port = server.sockets[0].getsockname()[1]
    async with server:
        yield told


def _caller(*, seconds_max: float = 20.0, body_bytes_max: int = 64) -> HttpCaller:
    def resolve(host: str, port: int) -> Sequence[str]:
        del port
        if host == "inside.example.org":
            raise AddressRefused("inside.example.org is 10.0.0.1, which is no public address.")
        return ["127.0.0.1"]

    return HttpCaller(
        resolve, lambda host, _: host, seconds_max=seconds_max, body_bytes_max=body_bytes_max
    )


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            200,
            "ok",
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
            202,
            "",
        ),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n", 302, ""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + b"x" * 9999, 200, "x" * 64),
    ],
)
async def test_post_returns_status_and_begin_of_the_body(
    answer: bytes, status: int, body: str
) -> None:
    async with _server(answer) as told:
        url = f"http://receiver.example.org:{told.port}/hooks?a=b"
        answered = await _caller().post(url, {"webhook-id": "1"}, b"tide")

    assert (answered.status, answered.body, answered.problem) == (status, body, None)
    assert told.requests == [
        b"POST /hooks?a=b HTTP/1.1\r\n"
        b"host: receiver.example.org:%d\r\nwebhook-id: 1\r\n"
        b"content-length: 4\r\nconnection: close\r\n\r\ntide" % told.port
    ], "one request: redirects are not followed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "The call failed"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: tide\r\n\r\n",
            "wants another protocol",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "The head of the answer is over"),
    ],
)
async def test_post_tells_what_is_no_answer(answer: bytes, problem: str) -> None:
    async with _server(answer) as told:
        answered = await _caller().post(f"http://a.example.org:{told.port}/", {}, b"tide")

    assert answered.status is None
    assert problem in (answered.problem or "")


async def test_post_gives_up_in_time() -> None:
    async with _server(None) as told:
        caller = _caller(seconds_max=0.2)
        answered = await caller.post(f"http://a.example.org:{told.port}/", {}, b"tide")

    assert answered.problem == "No answer came within 0.2 s."


async def test_post_connects_to_approved_addresses_alone() -> None:
    answered = await _caller().post("http://inside.example.org/", {}, b"tide")

    assert answered.problem == "inside.example.org is 10.0.0.1, which is no public address."
    assert _caller().refusal("https://10.0.0.1/") == "10.0.0.1"


async def test_post_checks_the_certificate_for_the_name(tmp_path: Path) -> None:
    files = Authority(tmp_path, "harbour").issue("receiver")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)

    async with _server(b"HTTP/1.1 204 No Content\r\n\r\n", context) as told:
        answered = await _caller().post(f"https://a.example.org:{told.port}/", {}, b"tide")

    assert "The certificate is not valid" in (answered.problem or "")
    assert told.requests == []

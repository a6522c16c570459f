"""The job's way to the API: a loopback door inside its own network, answered by the worker.

A job without a network of its own has its door on the machine's loopback, where others could knock,
so that there each request has to name the job's token.

Only `/api/v1` lies behind it. Each request is read and written anew, so nothing that a job
sends reaches the API but a method, a path, headers without credentials, and a body; the job's
own token is added here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import posixpath
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

import httptools
import msgspec
from msgspec import Struct

from tidemill.jobs.execution.worker.redaction import Redaction
from tidemill.jobs.execution.worker.tokens import NoToken

request_seconds_max: Final = 60.0
connect_seconds_max: Final = 10.0
head_bytes_max: Final = 32 * 1024
body_bytes_max: Final = 10 * 1024 * 1024
answer_bytes_max: Final = 64 * 1024 * 1024
connections_max: Final = 16
_PREFIX: Final = "/api/v1/"
_VALUES: Final = frozenset({f"{_PREFIX}variables/value", f"{_PREFIX}resources/value"})
"""Addresses whose answers name the secrets in them."""
_TOLD: Final = re.compile(rf"{_PREFIX}jobs/[^/]+/(progress|metrics)")
"""Addresses of what a job tells those who watch it."""
_ENTRANCE: Final = re.compile(rf"{_PREFIX}auth(/|$)", re.IGNORECASE)
"""Doors that anybody may knock at, from the worker's address: guesses there would pause it."""
_ME: Final = f"{_PREFIX}auth/me"
_READ_BYTES: Final = 64 * 1024
_NOT_FORWARDED: Final = frozenset(
    {
        b"authorization", b"connection", b"content-length", b"cookie", b"expect", b"forwarded",
        b"host", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
        b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
        b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip",
    }
)  # fmt: skip


class Refused(Exception):
    """The relay answers by itself."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Request(Struct, kw_only=True):
    """One request of the job, as far as it is read."""

    method: bytes = b""
    target: bytes = b""
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    body: bytearray = msgspec.field(default_factory=bytearray)
    is_complete: bool = False


@lru_cache(maxsize=4)
def _trust(ca_file: str) -> ssl.SSLContext:
    # Reading all authorities takes some 20 ms, in which no job could print.
    return ssl.create_default_context(cafile=ca_file or None)


class Relay:
    """Answers one job's door."""

    def __init__(
        self,
        api_url: str,
        token: str | None,
        *,
        ask: Callable[[], Awaitable[str]],
        redaction: Redaction,
        ca_file: str = "",
        traceparent: str | None = None,
    ) -> None:
        self._traceparent = traceparent
        self._api = urlsplit(api_url)
        self._ca_file = ca_file
        self._token = token
        self._ask = ask
        self._redaction = redaction
        self._is_shared = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._is_stopped = False
        self.asked_at = 0.0
        """When the job asked last, in monotonic seconds: a sign of its life."""

    def serve(self, door: socket.socket) -> None:
        """Take connections from `door`, which lies in the job's network."""
        self._opening = asyncio.create_task(self._open(door))

    async def listen(self) -> str:
        """Take connections on the machine's loopback from now on; return the address."""
        self._is_shared = True
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close the door and cut what goes through it."""
        self._is_stopped = True
        if self._opening is not None:
            await self._opening
        if self._server is not None:
            # What was accepted in this turn of the loop belongs to nobody yet: a server that is
            # closed before would leave it open, and who knocked waiting.
            await asyncio.sleep(0)
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*tuple(self._connections), return_exceptions=True)

    async def _open(self, door: socket.socket) -> None:
        self._server = await asyncio.start_server(self._connected, sock=door)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._is_stopped:
            # Accepted in the last moment: what it asks is no longer in this job's name.
            writer.close()
            return
        self._connections.add(task)
        try:
            self._check_room()
            async with asyncio.timeout(request_seconds_max):
                request = await read_request(reader)
            self._check_token(request)
            await self._forward(request, writer)
        except Refused as refused:
            await _answer(writer, refused)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # asyncio's own callback would raise it once more where nobody can catch it.
            if not self._is_stopped:
                raise
        finally:
            self._connections.discard(task)
            writer.close()

    def _check_room(self) -> None:
        if len(self._connections) > connections_max:
            raise Refused("429 Too Many Requests", "RATE_LIMITED", "Too many connections.")

    def _check_token(self, request: Request) -> None:
        if not self._is_shared:
            return
        expected = f"Bearer {self._token or ''}".encode()
        given = [value for name, value in request.headers if name.lower() == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], expected):
            raise Refused(
                "401 Unauthorized", "INVALID_CREDENTIAL", "Send the job's token, TIDEMILL_TOKEN."
            )

    async def _forward(self, request: Request, writer: asyncio.StreamWriter) -> None:
        check_path(request.target)
        self.asked_at = time.monotonic()
        if _TOLD.fullmatch(_path_of(request.target)):
            request.body = self._without_secrets(request.body)
        token = await self._token_now()
        up_reader, up_writer = await self._connect()
        try:
            up_writer.write(self._rewritten(request, token))
            await up_writer.drain()
            if has_values(request.target):
                await self._tell_values(up_reader, writer)
                return
            sent = 0
            while data := await up_reader.read(_READ_BYTES):
                sent += len(data)
                if sent > answer_bytes_max:
                    return
                writer.write(data)
                await writer.drain()
        finally:
            up_writer.close()

    def _without_secrets(self, body: bytearray) -> bytearray:
        try:
            return bytearray(self._redaction.document(bytes(body)))
        except ValueError:
            raise Refused("400 Bad Request", "INVALID_INPUT", "The body is no JSON.") from None

    async def _tell_values(
        self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # The job gets nothing before its output is watched for the secrets in it.
        whole = bytearray()
        while data := await up_reader.read(_READ_BYTES):
            whole += data
            if len(whole) > body_bytes_max:
                return
        self._redaction.hide(secrets_in(bytes(whole)))
        writer.write(whole)
        await writer.drain()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = self._api.scheme == "https"
        port = self._api.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(connect_seconds_max):
                return await asyncio.open_connection(
                    self._api.hostname,
                    port,
                    ssl=_trust(self._ca_file) if secure else None,
                )
        except (OSError, TimeoutError) as error:
            raise Refused(
                "502 Bad Gateway", "API_UNREACHABLE", "The API does not answer; try again later."
            ) from error

    async def _token_now(self) -> str:
        if self._token is None:
            try:
                self._token = await self._ask()
            except NoToken as error:
                raise Refused("503 Service Unavailable", "UNAVAILABLE", str(error)) from error
        return self._token

    def _rewritten(self, request: Request, token: str) -> bytes:
        host = self._api.netloc.rpartition("@")[2].encode()
        lines = [
            request.method + b" " + request.target + b" HTTP/1.1",
            b"host: " + host,
            b"authorization: Bearer " + token.encode(),
            b"connection: close",
            b"content-length: " + str(len(request.body)).encode(),
        ]
        if self._traceparent and not any(n.lower() == b"traceparent" for n, _ in request.headers):
            # What the job asks for belongs to its trace, whether its code knows of traces or not.
            lines.append(b"traceparent: " + self._traceparent.encode())
        lines += [
            name + b": " + value
            for name, value in request.headers
            if name.lower() not in _NOT_FORWARDED
            # Whoever reads an answer with values has to understand it.
            and not (name.lower() == b"accept-encoding" and has_values(request.target))
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(request.body)


def check_path(target: bytes) -> None:
    """Return when a job may ask for `target`, however that is spelled; raise `Refused` if not.

    That is what lies under `/api/v1/`, but for the doors through which people come in.
    """
    path = target.split(b"?", 1)[0].decode("latin-1")
    plain = unquote(path)
    if _ENTRANCE.match(_path_of(target)) and _path_of(target) != _ME:
        raise Refused(
            "403 Forbidden",
            "PATH_NOT_ALLOWED",
            "Accounts are for people: a job asks with its own rights, and only reads "
            f"{_ME} of the paths under {_PREFIX}auth/.",
        )
    is_plain = "%" not in plain and "\\" not in plain and "//" not in plain
    within = posixpath.normpath(plain).startswith(_PREFIX) and path.startswith(_PREFIX)
    if not (within and is_plain and ".." not in plain.split("/")):
        raise Refused(
            "403 Forbidden", "PATH_NOT_ALLOWED", f"A job may only call paths under {_PREFIX}."
        )


def has_values(target: bytes) -> bool:
    """Return whether the answer to `target` may have secrets in it, however that is spelled."""
    return _path_of(target) in _VALUES


def _path_of(target: bytes) -> str:
    return posixpath.normpath(unquote(target.split(b"?", 1)[0].decode("latin-1")))


class _Values(Struct):
    secrets: tuple[str, ...] = ()


def secrets_in(answer: bytes) -> tuple[str, ...]:
    """Return the secrets that an answer names; none when it is an error."""
    body = bytearray()
    parser = httptools.HttpResponseParser(_Body(body))
    try:
        parser.feed_data(answer)
        return msgspec.json.decode(body, type=_Values).secrets
    except (httptools.HttpParserError, msgspec.MsgspecError):
        return ()


class _Body:
    """Gathers the body of an answer."""

    def __init__(self, body: bytearray) -> None:
        self._body = body

    def on_body(self, body: bytes) -> None:
        self._body += body


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request within the limits; raises `Refused` with what is wrong."""
    request = Request()
    parser = httptools.HttpRequestParser(_Collector(request))
    head_bytes = 0
    while not request.is_complete:
        data = await reader.read(_READ_BYTES)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        head_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise Refused("400 Bad Request", "NO_UPGRADE", "The relay speaks HTTP only.") from None
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, Refused):
                raise error.__context__ from None
            raise Refused("400 Bad Request", "INVALID_INPUT", "This is not HTTP/1.1.") from error
        if not request.body and not request.is_complete and head_bytes > head_bytes_max * 2:
            raise _too_large("head", head_bytes_max)
    request.method = parser.get_method()
    return request


class _Collector:
    """Gathers what the parser calls out."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        if self._request.is_complete:
            raise Refused("400 Bad Request", "ONE_REQUEST", "Send one request on each connection.")

    def on_url(self, url: bytes) -> None:
        self._count(url)
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name + value)
        self._request.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        if len(self._request.body) + len(body) > body_bytes_max:
            raise _too_large("body", body_bytes_max)
        self._request.body += body

    def on_message_complete(self) -> None:
        self._request.is_complete = True

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > head_bytes_max:
            raise _too_large("head", head_bytes_max)


def _too_large(part: str, limit: int) -> Refused:
    code = "BODY_TOO_LARGE" if part == "body" else "TOO_LARGE"
    return Refused(
        "413 Content Too Large", code, f"The {part} of a request has {limit} bytes at most."
    )


async def _answer(writer: asyncio.StreamWriter, refused: Refused) -> None:
    error = {
        "message": str(refused), "type": "invalid_request_error", "code": refused.code,
        "param": None,
    }  # fmt: skip
    body = msgspec.json.encode({"error": error})
    head = (
        f"HTTP/1.1 {refused.status}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        writer.write(head.encode() + body)
        await writer.drain()

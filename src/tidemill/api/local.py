"""Talking to the installation in a data directory as its owner, whether it runs or not.

Where a process runs, calls go over its socket, which only the directory's owner can reach.
Otherwise the application is opened here for the length of the block, behind the owner lock.
Either way the same routes answer, as `SYSTEM`.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from litestar.types import ASGIApp
from msgspec import Struct

from tidemill.api.application import open_application
from tidemill.api.serving import run_directory
from tidemill.core.config import Config
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.http.authentication import local_tenant_header
from tidemill.runtime.configuration import with_kept_secrets

timeout_seconds: Final = 300.0


class Answer(Struct, frozen=True, kw_only=True):
    """What the installation said; `body` is decoded JSON, or text, or None."""

    status: int
    body: Any


class LocalApi(Protocol):
    """Calls routes as the owner of the data directory."""

    async def call(
        self, method: str, path: str, body: object = None, *, tenant: TenantId = INSTALLATION
    ) -> Answer:
        """Return the answer of `path`, which includes its prefix."""
        ...


@contextlib.asynccontextmanager
async def open_local(config: Config) -> AsyncIterator[LocalApi]:
    """Reach the installation of `config`.

    Raises `DataDirectoryInUse` when a process holds the directory and does not answer.
    """
    path = run_directory(config) / "api.sock"
    if await asyncio.to_thread(_answers, path):
        yield _OverSocket(path)
        return
    async with open_application(with_kept_secrets(config)) as application:
        yield _InProcess(application.asgi)


class _OverSocket:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def call(
        self, method: str, path: str, body: object = None, *, tenant: TenantId = INSTALLATION
    ) -> Answer:
        return await asyncio.to_thread(self._call, method, path, body, tenant)

    def _call(self, method: str, path: str, body: object, tenant: TenantId) -> Answer:
        connection = _UnixConnection(self._path)
        try:
            headers = _headers(tenant)
            connection.request(method, path, body=_encoded(body), headers=headers)
            answer = connection.getresponse()
            return _answer(answer.status, answer.read())
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _InProcess:
    def __init__(self, asgi: ASGIApp) -> None:
        self._asgi = asgi

    async def call(
        self, method: str, path: str, body: object = None, *, tenant: TenantId = INSTALLATION
    ) -> Answer:
        sent: list[Mapping[str, Any]] = []
        content = _encoded(body) or b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        asgi: Any = self._asgi
        await asgi(_scope(method, path, tenant), receive, send)
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return _answer(int(sent[0]["status"]), text)


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2.0)
            probe.connect(str(path))
    except OSError:
        return False
    return True


def _headers(tenant: TenantId) -> dict[str, str]:
    return {"content-type": "application/json", local_tenant_header: tenant}


def _scope(method: str, path: str, tenant: TenantId) -> dict[str, Any]:
    route, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in _headers(tenant).items()],
        "client": None,
        "server": ("/local", None),
        "state": {},
    }


def _encoded(body: object) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _answer(status: int, text: bytes) -> Answer:
    if not text:
        return Answer(status=status, body=None)
    try:
        return Answer(status=status, body=json.loads(text))
    except ValueError:
        return Answer(status=status, body=text.decode(errors="replace"))

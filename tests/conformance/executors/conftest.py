from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from tests.integration.jobs.worker.conftest import dispatcher, start_worker

__all__ = ["dispatcher", "server", "start_worker"]


class Asked(msgspec.Struct):
    """A request that reached the server."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Server:
    """An HTTP server on loopback that answers what a test says."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, value: Any, status: int = 200, **headers: str) -> None:
        """Give this answer to the next request; the last one is given again and again."""
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        kind = {} if isinstance(value, bytes) else {"content-type": "application/json"}
        self.answers.append((status, kind | named, body))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever asks may be killed at any moment.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {
            k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        self.asked.append(Asked(method, target, headers, body))
        if target.startswith("/hangs"):
            await reader.read()
        status, named, answer = self.answers.pop(0) if len(self.answers) > 1 else self._last()
        text = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\n{text}\r\n".encode("latin-1")
            + answer
        )

    def _last(self) -> tuple[int, dict[str, str], bytes]:
        return self.answers[0] if self.answers else (200, {}, b"{}")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()

"""`/live`, `/ready` and `/metrics` of a process that has no API: dispatchers and workers.

They answer as the API's do. A few lines on the loop, since a web framework would take more memory
than a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

import msgspec

from tidemill.core.config import ConfigRefused
from tidemill.core.config.checks import bind_address
from tidemill.core.readiness import readiness
from tidemill.infrastructure.observability.health import Health
from tidemill.infrastructure.observability.metrics import Metrics

_head_bytes_max: Final = 8 * 1024
_answer_seconds_max: Final = 10.0
_connections_max: Final = 64
_TEXT: Final = "text/plain; charset=utf-8"
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"

_Answer = tuple[int, str, bytes]


@asynccontextmanager
async def probes(address: str, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Answer probes at `address` (HOST:PORT) while the block lasts; nothing when it is empty.

    Raises `ConfigRefused` when the address cannot be listened on.
    """
    if not address:
        yield
        return
    served = _Probes(health, metrics)
    host, port = bind_address(address)
    try:
        server = await asyncio.start_server(served.serve, host, port, limit=_head_bytes_max)
    except OSError as error:
        raise ConfigRefused([f"{address} cannot be listened on ({error.strerror})."]) from error
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


class _Probes:
    """One answer for each connection."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up; whoever sends none is hung up on."""
        self._connections += 1
        try:
            async with asyncio.timeout(_answer_seconds_max):
                if self._connections <= _connections_max:
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(_written(head, await self._answer(head)))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._connections -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, head: bytes) -> _Answer:
        method, _, rest = head.partition(b" ")
        if method not in {b"GET", b"HEAD"}:
            return 405, _TEXT, b"Only GET is possible here.\n"
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path in {b"/live", b"/health"}:
            return 200, _TEXT, b"OK"
        if path == b"/ready":
            view = await readiness(self._health.checks(), self._health.optional)
            return view.status, "application/json", msgspec.json.encode(view)
        if path == b"/metrics":
            return 200, _METRICS, self._metrics.render()
        return 404, _TEXT, b"Here are /live, /ready and /metrics.\n"


def _written(head: bytes, answer: _Answer) -> bytes:
    status, media_type, body = answer
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {media_type}",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
    )
    sent = b"" if head.startswith(b"HEAD ") else body
    return "\r\n".join([*lines, "", ""]).encode() + sent

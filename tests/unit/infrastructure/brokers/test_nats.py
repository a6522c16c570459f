"""What a process tells a server that answers for NATS and does not encrypt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import pytest

from tidemill.infrastructure.brokers.nats import connect
from tidemill.infrastructure.brokers.tls import BrokerTls

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _in_between(heard: list[bytes]) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","tls_required":false,"max_payload":1048576}\r\n')
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _nothing(*_: object) -> None:
    """Nobody asks."""


async def test_connect_tells_no_password_to_a_server_that_does_not_encrypt() -> None:
    heard: list[bytes] = []
    async with _in_between(heard) as port:
        url = f"tls://tidemill:low-tide@127.0.0.1:{port}"
        with pytest.raises(nats.errors.SecureConnRequiredError):
            await connect(url, BrokerTls(), closed=_nothing, failed=_nothing)

    assert b"".join(heard) == b""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from tidemill.api.http_server import http_server
from tidemill.api.websocket_protocol import WebSocketProtocol, frame

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_frame_is_what_the_library_writes(opcode: Opcode, length: int) -> None:
    payload = b"x" * length
    whole = Frame(opcode, payload).serialize(mask=False)

    assert frame(0x80 | opcode, payload) == whole


async def _talk(scope: Any, receive: Any, send: Any) -> None:
    """Send each length in both ways, then what comes back, until the client leaves."""
    await receive()
    await send({"type": "websocket.accept"})
    for length in (0, 125, 126, 70_000):
        await send({"type": "websocket.send", "text": "é" * length})
        await send({"type": "websocket.send", "bytes": b"x" * length})
    message = await receive()
    with contextlib.suppress(OSError):
        while message["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": message["text"]})
            message = await receive()
    scope["state"]["ended"].set()


async def test_send_reaches_a_client_and_ends_with_it() -> None:
    config = http_server(_talk, stop_seconds_max=1).config
    assert config.ws is WebSocketProtocol
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await _talk({**scope, "state": {"ended": ended}}, receive, send)

    config.app, config.port, config.log_level = app, 0, "critical"
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(60):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
            port = server.servers[0].sockets[0].getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
                told = [await socket.recv() for _ in range(8)]
                await socket.send("again")
                again = await socket.recv()
            await ended.wait()
    finally:
        server.should_exit = True
        await serving

    lengths = (0, 125, 126, 70_000)
    assert told == [one for length in lengths for one in ("é" * length, b"x" * length)]
    assert again == "again"

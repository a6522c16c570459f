"""Streams of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

heartbeat_seconds: Final = 15.0
_HEARTBEAT: Final = b": heartbeat\n\n"


async def kept_alive(
    events: AsyncIterator[bytes], *, seconds: float = heartbeat_seconds
) -> AsyncIterator[bytes]:
    """Yield events, and a comment whenever none came for so long.

    So proxies on the way keep the connection, and a client that went without a word is noticed.
    """
    reading = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            await asyncio.wait({reading}, timeout=seconds)
            if not reading.done():
                yield _HEARTBEAT
                continue
            event = reading.result()
            if event is None:
                return
            yield event
            reading = asyncio.ensure_future(anext(events, None))
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

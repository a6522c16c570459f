"""Streams that say nothing for a while, and their ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tidemill.http.streaming import kept_alive

pytestmark = pytest.mark.anyio


async def test_a_silent_stream_shows_that_it_lives() -> None:
    said = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await said.wait()
        yield b"data: 2\n\n"

    stream = kept_alive(events(), seconds=0.001)
    seen = [await anext(stream), await anext(stream), await anext(stream)]
    said.set()
    rest = [event async for event in stream]

    assert seen == [b"data: 1\n\n", b": heartbeat\n\n", b": heartbeat\n\n"]
    assert [event for event in rest if event != b": heartbeat\n\n"] == [b"data: 2\n\n"]


async def test_a_stream_that_is_left_ends_what_it_reads() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            ended.set()

    stream = kept_alive(events(), seconds=0.001)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]

    assert ended.is_set()


async def test_a_failure_within_the_stream_is_raised() -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        _ = [event async for event in kept_alive(events())]

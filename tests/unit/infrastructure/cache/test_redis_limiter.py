from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from tests.fixtures.redis_keys import forget
from tests.fixtures.run import unique_name
from tests.fixtures.services import need
from tests.fixtures.stores import StoreClock
from tidemill.infrastructure.cache.redis_limiter import RedisRateLimiter

pytestmark = pytest.mark.anyio


class Door:
    """A way to Redis that can be shut, and opened again."""

    def __init__(self) -> None:
        target = urlsplit(need("redis"))
        self._target = (target.hostname or "127.0.0.1", target.port or 6379)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        for source, sink in [(reader, far_writer), (far_reader, writer)]:
            task = asyncio.create_task(_pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    await door.open()
    yield door
    await door.shut()


async def test_take_counts_here_while_redis_is_away_and_goes_back_to_it(door: Door) -> None:
    """U26, H3."""
    clock = StoreClock()
    limiter = RedisRateLimiter(f"redis://127.0.0.1:{door.port}", clock, answer_seconds_max=1)
    key = unique_name()
    with capture_logs() as lines:
        assert (await limiter.take(key, per_minute=1, burst=2)).remaining == 1
        await door.shut()
        answers = [await limiter.take(key, per_minute=1, burst=2) for _ in range(3)]
        assert [answer.allowed for answer in answers] == [True, True, False]
        assert not limiter.is_shared
        assert (await limiter.check() or "").startswith("Redis does not answer")

        await door.open()
        clock.advance(2)
        assert (await limiter.take(key, per_minute=1, burst=2)).remaining == 0
        assert limiter.is_shared
        assert await limiter.check() is None
    assert [line["event"] for line in lines] == [
        "rate_limits.redis.lost",
        "rate_limits.redis.restored",
    ]
    await limiter.close()
    await forget(key)


async def test_take_leaves_redis_alone_for_a_second_after_a_failure() -> None:
    clock = StoreClock()
    limiter = RedisRateLimiter("redis://127.0.0.1:1", clock, answer_seconds_max=1)
    with capture_logs() as lines:
        for _ in range(100):
            assert (await limiter.take("k", per_minute=100, burst=200)).allowed
        clock.advance(2)
        assert (await limiter.take("k", per_minute=100, burst=200)).allowed
    assert [line["event"] for line in lines] == ["rate_limits.redis.lost"]
    await limiter.close()

"""A way to a broker that does all that brokers may: every packet comes twice and out of order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from random import Random

from tidemill.core.queues import Queues, Take

first_seconds_max = 0.015
second_seconds_max = 0.03


class Unruly:
    """Repeats and mixes up what is sent; the broker sees two different packets."""

    def __init__(self, queues: Queues, seed: int) -> None:
        self._queues = queues
        self._random = Random(seed)  # noqa: S311 - the same each time
        self._numbers = itertools.count()
        self.sent = 0

    @property
    def is_connected(self) -> bool:
        return self._queues.is_connected

    async def start(self) -> None:
        await self._queues.start()

    async def stop(self) -> None:
        await self._queues.stop()

    async def ready(self, seconds_max: float) -> None:
        await self._queues.ready(seconds_max)

    async def check(self) -> str | None:
        return await self._queues.check()

    async def consume(self, queue: str, take: Take, *, window: int, lasting: bool) -> None:
        await self._queues.consume(queue, take, window=window, lasting=lasting)

    async def leave(self, queue: str, *, delete: bool) -> None:
        await self._queues.leave(queue, delete=delete)

    def send(self, queue: str, payload: bytes, *, packet_id: str, sent: Callable[[], None]) -> None:
        self.sent += 1
        for longest, then in ((first_seconds_max, sent), (second_seconds_max, _nothing)):
            asyncio.get_running_loop().call_later(
                self._random.uniform(0, longest),
                self._send,
                queue,
                payload,
                f"{packet_id}/{next(self._numbers)}",
                then,
            )

    def _send(self, queue: str, payload: bytes, packet_id: str, sent: Callable[[], None]) -> None:
        self._queues.send(queue, payload, packet_id=packet_id, sent=sent)


def _nothing() -> None:
    """Nobody waits for the second one."""

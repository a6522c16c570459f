"""What both brokers share: one connection that heals, and packets that wait until confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import structlog
from msgspec import Struct

from tidemill.core.queues import QueuesUnavailable, Take
from tidemill.infrastructure.brokers.outages import Outage

log = structlog.get_logger(__name__)

open_seconds_max: Final = 10.0
publish_seconds_max: Final = 10.0
stop_seconds_max: Final = 2.0
cancel_seconds: Final = 0.5
packets_per_window_max: Final = 128
reconnect_delay_seconds_min: Final = 0.05
reconnect_delay_seconds_max: Final = 5.0
unread_seconds_max: Final = 600
"""How long a queue stays that is not lasting and that nobody reads."""


class Outgoing(Struct, frozen=True):
    """A packet on its way."""

    queue: str
    payload: bytes
    packet_id: str
    sent: Callable[[], None]


class Consumer(Struct, frozen=True):
    """A queue that this process reads."""

    queue: str
    take: Take
    window: int
    lasting: bool


class SupervisedQueues:
    """Base of the adapters: subclasses connect, publish and consume; this class does the rest.

    The drivers' own reconnection is off: theirs forgets what the broker had not confirmed.
    """

    name: ClassVar[str]
    driver_errors: ClassVar[tuple[type[BaseException], ...]]

    def __init__(self) -> None:
        self._outgoing: deque[Outgoing] = deque()
        self._consumers: dict[str, Consumer] = {}
        self._generation = 0
        self._ready = asyncio.Event()
        self._broken = asyncio.Event()
        self._to_send = asyncio.Event()
        self._trouble = "it has not been asked yet"
        self._outage = Outage()
        self._task: asyncio.Task[None] | None = None

    @property
    def _troubles(self) -> tuple[type[BaseException], ...]:
        return (TimeoutError, *self.driver_errors)

    # What subclasses do.

    async def _open(self, generation: int) -> None:
        """Connect; whatever breaks later calls `_break(generation, …)`."""
        raise NotImplementedError

    async def _close(self) -> None:
        """Disconnect; must not fail on a connection that is already gone."""
        raise NotImplementedError

    async def _publish(self, window: Sequence[Outgoing]) -> None:
        """Send packets in their order; return when the broker has confirmed all."""
        raise NotImplementedError

    async def _begin(self, consumer: Consumer, generation: int) -> None:
        """Make the queue, and read it."""
        raise NotImplementedError

    async def _end(self, queue: str, *, delete: bool) -> None:
        """Read the queue no more."""
        raise NotImplementedError

    # The port.

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers now."""
        return self._ready.is_set()

    async def start(self) -> None:
        """Begin to connect."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_open(), name=f"queues-{self.name}")

    async def stop(self) -> None:
        """Send what waits, within a limit, and disconnect."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stop_seconds_max):
                while self._outgoing and self.is_connected:  # noqa: ASYNC110 - within the limit
                    await asyncio.sleep(0.01)
        self._generation += 1
        task, self._task = self._task, None
        while not task.done():
            # More than once: a driver that is connecting may swallow it.
            task.cancel()
            await asyncio.wait([task], timeout=cancel_seconds)
        self._ready.clear()
        await self._close_within_limits()

    async def ready(self, seconds_max: float) -> None:
        """Return when the broker answers; raises `QueuesUnavailable`."""
        try:
            async with asyncio.timeout(seconds_max):
                await self._ready.wait()
        except TimeoutError:
            raise QueuesUnavailable(self.name, self._trouble) from None

    async def check(self) -> str | None:
        """Return why nothing is carried right now, or None."""
        if self.is_connected:
            return None
        return QueuesUnavailable(self.name, self._trouble).message

    async def consume(self, queue: str, take: Take, *, window: int, lasting: bool) -> None:
        """See the port."""
        consumer = self._consumers[queue] = Consumer(queue, take, window, lasting)
        if self.is_connected:
            await self._guarded(self._begin(consumer, self._generation))

    async def leave(self, queue: str, *, delete: bool) -> None:
        """See the port."""
        if self._consumers.pop(queue, None) is not None and self.is_connected:
            await self._guarded(self._end(queue, delete=delete))

    def send(self, queue: str, payload: bytes, *, packet_id: str, sent: Callable[[], None]) -> None:
        """See the port."""
        self._outgoing.append(Outgoing(queue, payload, packet_id, sent))
        self._to_send.set()

    # Inside.

    async def _guarded(self, work: Any) -> None:
        """Do something with the broker; when it fails, the next connection does it again."""
        generation = self._generation
        try:
            async with asyncio.timeout(open_seconds_max):
                await work
        except Exception as error:  # noqa: BLE001 - as in `_keep_open`
            self._break(generation, _told(error))

    async def _keep_open(self) -> None:
        delay = reconnect_delay_seconds_min
        while True:
            self._generation += 1
            self._broken.clear()
            try:
                async with asyncio.timeout(open_seconds_max):
                    await self._open(self._generation)
                    for consumer in tuple(self._consumers.values()):
                        await self._begin(consumer, self._generation)
            except Exception as error:  # noqa: BLE001 - drivers leak those of their loop
                self._trouble = _told(error)
                if self._outage.is_due():
                    log.warning("queues.connection.failed", **self._told)
                await self._close_within_limits()
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                delay = min(delay * 2, reconnect_delay_seconds_max)
                continue
            delay = reconnect_delay_seconds_min
            self._ready.set()
            self._outage.end()
            log.info("queues.connection.open", broker=self.name)
            await self._send_until_broken(self._generation)
            self._ready.clear()
            await self._close_within_limits()

    async def _send_until_broken(self, generation: int) -> None:
        sending = asyncio.create_task(self._send(generation))
        broken = asyncio.create_task(self._broken.wait())
        try:
            # Some drivers leave a confirmation waiting for ever when the connection goes.
            await asyncio.wait({sending, broken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            broken.cancel()
            await asyncio.gather(sending, broken, return_exceptions=True)

    async def _send(self, generation: int) -> None:
        try:
            while True:
                await self._to_send.wait()
                self._to_send.clear()
                while self._outgoing:
                    count = min(len(self._outgoing), packets_per_window_max)
                    window = [self._outgoing[place] for place in range(count)]
                    async with asyncio.timeout(publish_seconds_max):
                        await self._publish(window)
                    for packet in window:
                        self._outgoing.popleft()
                        packet.sent()
        except self._troubles as error:
            self._break(generation, _told(error))
        finally:
            # What was not confirmed goes out again over the next connection.
            if self._outgoing:
                self._to_send.set()

    def _break(self, generation: int, reason: str) -> None:
        if generation != self._generation or self._broken.is_set():
            return
        self._trouble = reason
        if self._outage.is_due():
            log.warning("queues.connection.lost", **self._told)
        self._ready.clear()
        self._broken.set()

    @property
    def _told(self) -> dict[str, str]:
        return {"broker": self.name, "reason": self._trouble, "setting": "message_queue.url"}

    async def _close_within_limits(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(stop_seconds_max):
                await self._close()


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__

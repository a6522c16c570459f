"""What the buses with a server share: one connection that heals, and a word after each gap."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, Final

import structlog

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.brokers.outages import Outage
from tidemill.infrastructure.messaging.errors import BusUnavailable
from tidemill.infrastructure.messaging.messages import check_subjects, subject
from tidemill.infrastructure.messaging.receivers import Receivers

log = structlog.get_logger(__name__)

open_seconds_max: Final = 5.0
ready_seconds_max: Final = 1.0
publish_seconds_max: Final = 5.0
stop_seconds_max: Final = 2.0
reconnect_delay_seconds_min: Final = 0.05
reconnect_delay_seconds_max: Final = 5.0


class SupervisedBus(Receivers):
    """Base of the adapters: subclasses connect, send and disconnect; this class does the rest.

    The drivers' own reconnection is off. Theirs restores subscriptions without saying what was
    missed meanwhile, and none of them notices a stream or a queue that was deleted under it.
    """

    name: ClassVar[str]
    setting: ClassVar[str] = "message_queue.url"
    driver_errors: ClassVar[tuple[type[BaseException], ...]]

    def __init__(self) -> None:
        super().__init__()
        self._generation = 0
        self._broken = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage()

    @property
    def _troubles(self) -> tuple[type[BaseException], ...]:
        return (TimeoutError, *self.driver_errors)

    async def _open(self, generation: int) -> None:
        """Connect and follow; whatever breaks later calls `_break(generation, …)`."""
        raise NotImplementedError

    async def _close(self) -> None:
        """Disconnect; must not fail on a connection that is already gone."""
        raise NotImplementedError

    async def _send(self, batches: Sequence[FactBatch]) -> None:
        raise NotImplementedError

    async def _send_ephemeral(self, update: Ephemeral) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable` when the server cannot be reached."""
        try:
            await self._open_within_limits()
        except BaseException:
            # Half of it may be open.
            await self._close_within_limits()
            raise
        self._ready.set()
        self._task = asyncio.create_task(self._keep_open(), name=f"bus-{self.name}")

    async def stop(self) -> None:
        """Disconnect; what is still on its way has two seconds."""
        self._ready.clear()
        self._generation += 1
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._close_within_limits()

    async def check(self) -> str | None:
        """Return why the bus cannot carry anything right now, or None."""
        if self._ready.is_set():
            return None
        return f"{self.name} is not connected; live updates wait, and nothing is lost."

    async def publish(self, batches: Sequence[FactBatch]) -> None:
        """Send facts; returns when the server has confirmed them. Raises `BusUnavailable`."""
        check_subjects(tuple(batches))
        generation = await self._generation_when_ready()
        try:
            async with asyncio.timeout(publish_seconds_max):
                await self._unless_broken(self._send(batches))
        except TimeoutError as error:
            self._break(generation, "publish timed out")
            raise BusUnavailable(self.name, "it did not answer in time") from error
        except self.driver_errors as error:
            self._break(generation, repr(error))
            raise BusUnavailable(self.name, repr(error)) from error

    async def _generation_when_ready(self) -> int:
        if not self._ready.is_set():
            try:
                async with asyncio.timeout(ready_seconds_max):
                    await self._ready.wait()
            except TimeoutError as error:
                raise BusUnavailable(self.name, "it is not connected") from error
        return self._generation

    async def _unless_broken(self, sending: Coroutine[Any, Any, None]) -> None:
        # Some drivers leave a confirmation waiting for ever when the connection goes.
        send = asyncio.ensure_future(sending)
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait({send, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not send.done():
                raise BusUnavailable(self.name, "the connection was lost")
            await send
        finally:
            broken.cancel()
            send.cancel()

    async def broadcast(self, update: Ephemeral) -> None:
        """Send an ephemeral update, at most once; lost while the server is away."""
        subject("", update.tenant_id)
        if not self._ready.is_set():
            return
        generation = self._generation
        try:
            async with asyncio.timeout(publish_seconds_max):
                await self._send_ephemeral(update)
        except self._troubles as error:
            self._break(generation, repr(error))

    def _break(self, generation: int, reason: str) -> None:
        if generation != self._generation or self._broken.is_set() or self._task is None:
            return
        if self._outage.is_due():
            log.warning("bus.connection.lost", bus=self.name, reason=reason, setting=self.setting)
        self._ready.clear()
        self._broken.set()

    async def _keep_open(self) -> None:
        while True:
            await self._broken.wait()
            await self._close_within_limits()
            await self._reopen()
            self._broken.clear()
            self._ready.set()
            self._outage.end()
            log.info("bus.connection.restored", bus=self.name)
            self._missed_something()

    async def _reopen(self) -> None:
        delay = reconnect_delay_seconds_min
        while True:
            try:
                await self._open_within_limits()
            except BusUnavailable as error:
                if self._outage.is_due():
                    why = {"reason": error.message, "setting": self.setting}
                    log.warning("bus.connection.failed", bus=self.name, **why)
                await self._close_within_limits()
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                delay = min(delay * 2, reconnect_delay_seconds_max)
            else:
                return

    async def _open_within_limits(self) -> None:
        self._generation += 1
        try:
            async with asyncio.timeout(open_seconds_max):
                await self._open(self._generation)
        except TimeoutError as error:
            raise BusUnavailable(self.name, "no connection in time") from error
        except self.driver_errors as error:
            raise BusUnavailable(self.name, repr(error)) from error

    async def _close_within_limits(self) -> None:
        with contextlib.suppress(*self._troubles):
            async with asyncio.timeout(stop_seconds_max):
                await self._close()

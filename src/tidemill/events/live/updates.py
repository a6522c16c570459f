"""Sends ephemeral updates, a tick's worth at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from tidemill.core.errors import TidemillError
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral, EventBus

log = structlog.get_logger(__name__)

tick_seconds: Final = 0.005
waiting_max: Final = 10_000
stop_seconds_max: Final = 1.0


class BusLiveUpdates:
    """`LiveUpdates` over the bus: callers never wait; when too much waits, the oldest goes."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._waiting: deque[Ephemeral] = deque(maxlen=waiting_max)
        self._sender: asyncio.Task[None] | None = None
        self.watched: Callable[[TenantId], bool] = lambda _tenant_id: True

    def is_followed(self, tenant_id: TenantId) -> bool:
        """See `LiveUpdates.is_followed`; over a shared bus, watchers may be anywhere."""
        return self._bus.shared or self.watched(tenant_id)

    def publish(
        self, tenant_id: TenantId, topics: Sequence[Topic], type_: str, data: object
    ) -> None:
        """See `LiveUpdates.publish`."""
        update = Ephemeral(
            tenant_id=tenant_id,
            topics=tuple(topics),
            type=type_,
            data=msgspec.Raw(msgspec.json.encode(data)),
        )
        if self._waiting and self._waiting[-1] == update:
            return
        self._waiting.append(update)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())

    async def stop(self) -> None:
        """Send what waits, for a second at most."""
        if self._sender is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(stop_seconds_max):
                    await self._sender

    async def _send(self) -> None:
        try:
            await asyncio.sleep(tick_seconds)
            while self._waiting:
                try:
                    await self._bus.broadcast(self._waiting.popleft())
                except TidemillError as error:
                    log.warning("live.update.lost", reason=error.message)
        finally:
            self._sender = None

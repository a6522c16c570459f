from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import ClassVar

import pytest

from tests.fixtures.logs import written_logs
from tests.fixtures.stores import until
from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.brokers.outages import Outage
from tidemill.infrastructure.messaging.errors import BusUnavailable
from tidemill.infrastructure.messaging.supervised import SupervisedBus

pytestmark = pytest.mark.anyio


class HalfOpenBus(SupervisedBus):
    """Connects, and fails or waits before it can follow anything."""

    name: ClassVar[str] = "half"
    driver_errors: ClassVar[tuple[type[BaseException], ...]] = (OSError,)

    def __init__(self, *, refuses: bool) -> None:
        super().__init__()
        self.connected = asyncio.Event()
        self._refuses = refuses

    async def _open(self, generation: int) -> None:
        self.connected.set()
        if self._refuses:
            raise OSError("no stream may be made")
        await asyncio.Event().wait()

    async def _close(self) -> None:
        self.connected.clear()

    async def _send(self, batches: Sequence[FactBatch]) -> None:
        raise NotImplementedError

    async def _send_ephemeral(self, update: Ephemeral) -> None:
        raise NotImplementedError


async def test_start_that_fails_half_way_closes_what_it_opened() -> None:
    bus = HalfOpenBus(refuses=True)

    with pytest.raises(BusUnavailable, match="no stream may be made"):
        await bus.start()

    assert not bus.connected.is_set()


async def test_start_that_is_cancelled_half_way_closes_what_it_opened() -> None:
    bus = HalfOpenBus(refuses=False)
    starting = asyncio.create_task(bus.start())
    await bus.connected.wait()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert not bus.connected.is_set()


class LostBus(HalfOpenBus):
    """Connects once; then its server is away."""

    opened = 0

    def __init__(self) -> None:
        super().__init__(refuses=True)
        self._outage = Outage(lambda: 0.0)

    async def _open(self, generation: int) -> None:
        self.opened += 1
        if self.opened > 1:
            await super()._open(generation)


async def test_bus_tells_once_that_its_server_is_away_however_often_it_tries() -> None:
    bus = LostBus()
    with written_logs() as logs:
        await bus.start()
        bus._break(bus._generation, "closed by the server")
        await until(lambda: bus.opened > 4)
        await bus.stop()

    told = [json.loads(line) for line in logs.getvalue().splitlines()]
    assert [(line["event"], line["setting"]) for line in told] == [
        ("bus.connection.lost", "message_queue.url")
    ]

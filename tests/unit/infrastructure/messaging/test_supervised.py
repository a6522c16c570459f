from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from tidemill.core.ports import Ephemeral, FactBatch
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

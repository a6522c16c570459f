"""What a dispatcher makes of packets from whoever may write to its status queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import pytest

from tidemill.core.queues import Take
from tidemill.jobs.dispatching.brokers.conversation import Pace
from tidemill.jobs.dispatching.brokers.listener import BrokerListener
from tidemill.jobs.dispatching.brokers.options import BrokerOptions
from tidemill.jobs.dispatching.brokers.packets import Kind, Packet, encoded
from tidemill.jobs.protocol.connection import DispatcherConnection

pytestmark = pytest.mark.anyio


class Delivered:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.is_done = False

    def done(self) -> None:
        self.is_done = True

    def keep(self) -> None: ...


class Wire:
    """Notes where packets are sent to."""

    is_connected = True

    def __init__(self) -> None:
        self.take: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        self.sent_to: list[str] = []

    def send(self, queue: str, payload: bytes, *, packet_id: str, sent: Callable[[], None]) -> None:
        del payload, packet_id, sent
        self.sent_to.append(queue)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ready(self, seconds_max: float) -> None: ...
    async def check(self) -> str | None: ...
    async def leave(self, queue: str, *, delete: bool) -> None: ...

    async def consume(self, queue: str, take: Take, *, window: int, lasting: bool) -> None:
        del queue, window, lasting
        self.take.set_result(take)


async def _answered(*packets: Packet) -> list[str]:
    """Return to which queues a listener answers these packets, all of which it acknowledges."""

    async def accept(connection: DispatcherConnection) -> None:
        await connection.wait_closed()

    wire = Wire()
    listener = BrokerListener(
        wire, BrokerOptions(), accept, leads=lambda: True, vouch=lambda _: None
    )
    await listener.start()
    take = await asyncio.wait_for(wire.take, 60)
    for packet in packets:
        delivered = Delivered(encoded(packet))
        take(delivered)
        assert delivered.is_done
    told = list(wire.sent_to)
    await listener.stop()
    return told


@pytest.mark.parametrize(
    "queue", ["", "nowhere", "tasks.", "tasks.a", "tasks.a b.c", "tasks.*.x", "tasks." + "a" * 300]
)
@pytest.mark.parametrize("kind", [Kind.DATA, Kind.PULSE])
async def test_listener_sends_nothing_to_what_is_no_queue_of_a_worker(
    queue: str, kind: Kind
) -> None:
    assert await _answered(Packet(kind, "talk", 0, queue)) == []


async def test_listener_tells_a_worker_that_nobody_knows_its_conversation() -> None:
    assert await _answered(Packet(Kind.PULSE, "talk", 7, "tasks.a-1.0123abcd")) == [
        "tasks.a-1.0123abcd"
    ]


async def test_listener_that_leads_vouches_for_all_workers_until_it_reaches_the_broker() -> None:
    async def accept(connection: DispatcherConnection) -> None:
        await connection.wait_closed()

    wire, unknown = Wire(), 0
    reached = asyncio.Event()

    def vouch(connections: Collection[DispatcherConnection] | None) -> None:
        nonlocal unknown
        unknown += connections is None
        if unknown == 2:
            wire.is_connected = True
        if wire.is_connected:
            reached.set()

    wire.is_connected = False
    pace = Pace(pulse_seconds=0.02)
    listener = BrokerListener(
        wire, BrokerOptions(pace=pace), accept, leads=lambda: True, vouch=vouch
    )
    await listener.start()
    await asyncio.wait_for(reached.wait(), 60)
    for _ in range(10):
        await listener._look()
    await listener.stop()

    assert unknown == 2

"""One suite for every broker that can carry jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tests.fixtures.queues import BrokerPlace, broker_place
from tests.fixtures.stores import until
from tidemill.core.queues import Delivery, Queues, QueuesUnavailable
from tidemill.infrastructure.queues.supervised import SupervisedQueues

pytestmark = pytest.mark.anyio

seconds_max = 60.0


@pytest.fixture(params=["amqp", "nats"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[BrokerPlace]:
    async with broker_place(request.param) as made:
        yield made


@pytest.fixture
async def queues(place: BrokerPlace) -> AsyncIterator[Queues]:
    """Return a connected way through the proxy."""
    made = place.queues(proxied=True)
    await made.start()
    await made.ready(seconds_max)
    yield made
    await made.stop()


class Reader:
    """Keeps what comes; acknowledges it when the test says so, or at once."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.open: list[Delivery] = []
        self.read: list[bytes] = []
        self._at_once = at_once

    def take(self, delivery: Delivery) -> None:
        self.read.append(delivery.payload)
        if self._at_once:
            delivery.done()
        else:
            self.open.append(delivery)

    async def until(self, count: int) -> None:
        await until(lambda: len(self.read) >= count, seconds=seconds_max)


def _connections(queues: Queues) -> int:
    """Return how often a connection was tried: a new one may be there before anybody looks."""
    assert isinstance(queues, SupervisedQueues)
    return queues._generation


def _nothing() -> None:
    """Nobody waits."""


def _send(queues: Queues, queue: str, *payloads: bytes) -> None:
    for payload in payloads:
        queues.send(queue, payload, packet_id=f"{queue}/{payload.decode()}", sent=_nothing)


def _numbers(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


async def test_what_is_sent_arrives_in_its_order(place: BrokerPlace, queues: Queues) -> None:
    reader, queue = Reader(), place.direct.status_queue
    await queues.consume(queue, reader.take, window=100, lasting=True)

    _send(queues, queue, *_numbers(300))
    await reader.until(300)

    assert reader.read == _numbers(300)


async def test_a_queue_is_one_that_keeps_its_messages_on_disk(
    place: BrokerPlace, queues: Queues
) -> None:
    reader, queue = Reader(), place.direct.status_queue
    await queues.consume(queue, reader.take, window=1, lasting=True)
    _send(queues, queue, b"packet")
    await reader.until(1)

    wanted = {"amqp": "quorum", "nats": "workqueue in a file"}
    assert await place.type_of(queue) == wanted[place.kind]


async def test_sent_is_called_when_the_broker_has_confirmed(
    place: BrokerPlace, queues: Queues
) -> None:
    queue, confirmed = place.direct.status_queue, anyio.Event()
    await queues.consume(queue, Reader().take, window=10, lasting=True)

    queues.send(queue, b"one", packet_id="one", sent=confirmed.set)

    with anyio.fail_after(seconds_max):
        await confirmed.wait()


async def test_a_window_holds_back_what_is_not_done(place: BrokerPlace, queues: Queues) -> None:
    reader, queue = Reader(at_once=False), place.direct.status_queue
    await queues.consume(queue, reader.take, window=3, lasting=True)
    _send(queues, queue, *_numbers(6))
    await reader.until(3)
    before = len(reader.read)

    for delivery in reader.open[:3]:
        delivery.done()
    await reader.until(6)

    assert before == 3
    assert reader.read == _numbers(6)


async def test_what_was_not_done_comes_again_after_a_cut(
    place: BrokerPlace, queues: Queues
) -> None:
    reader, queue = Reader(at_once=False), place.direct.status_queue
    await queues.consume(queue, reader.take, window=10, lasting=True)
    _send(queues, queue, b"one")
    await reader.until(1)

    place.proxy.cut()
    await reader.until(2)

    assert reader.read == [b"one", b"one"]


async def test_what_is_sent_while_the_broker_is_away_arrives_later(
    place: BrokerPlace, queues: Queues
) -> None:
    reader, queue = Reader(), place.direct.status_queue
    await queues.consume(queue, reader.take, window=10, lasting=True)
    place.proxy.open = False
    place.proxy.cut()
    await until(lambda: not queues.is_connected, seconds=seconds_max)
    _send(queues, queue, b"one", b"two")
    told = await queues.check()

    place.proxy.open = True
    await reader.until(2)

    assert told is not None
    assert "none is lost" in told
    assert reader.read == [b"one", b"two"]
    assert await queues.check() is None


async def test_ready_tells_why_the_broker_does_not_answer(place: BrokerPlace) -> None:
    place.proxy.open = False
    away = place.queues(proxied=True)
    await away.start()

    with pytest.raises(QueuesUnavailable):
        await away.ready(0.2)

    await away.stop()


async def test_a_queue_that_is_deleted_is_made_again(place: BrokerPlace, queues: Queues) -> None:
    reader, queue = Reader(), place.direct.status_queue
    await queues.consume(queue, reader.take, window=10, lasting=True)

    before = _connections(queues)
    await place.delete(queue)
    await until(lambda: _connections(queues) > before, seconds=seconds_max)
    await queues.ready(seconds_max)
    _send(queues, queue, b"one")
    await reader.until(1)

    assert reader.read == [b"one"]


async def test_leave_ends_reading(place: BrokerPlace, queues: Queues) -> None:
    first, second = Reader(), Reader()
    queue = f"{place.direct.task_queue}.one"
    await queues.consume(queue, first.take, window=10, lasting=False)

    await queues.leave(queue, delete=True)
    await queues.consume(queue, second.take, window=10, lasting=False)
    _send(queues, queue, b"one")
    await second.until(1)
    await queues.leave(queue, delete=True)

    assert first.read == []

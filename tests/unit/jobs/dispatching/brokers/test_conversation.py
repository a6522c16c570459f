"""A conversation whose packets the test hands over itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from msgspec import structs

from tidemill.core.queues import Take
from tidemill.jobs.dispatching.brokers.conversation import Conversation, Pace, QueuedConnection
from tidemill.jobs.dispatching.brokers.packets import Kind, Packet, decoded, encoded
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.framing import frames_of
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Channel,
    FromWorker,
    Heartbeat,
    Held,
    Isolation,
    Outcome,
    OutcomesTaken,
    ToWorker,
    Verdict,
)

pytestmark = pytest.mark.anyio

NEVER = Pace(pulse_seconds=60, silent_seconds_max=60, missing_seconds_max=60, doubt_seconds_max=60)
AT_ONCE = Pace(pulse_seconds=60, silent_seconds_max=60, missing_seconds_max=0, doubt_seconds_max=0)
OUTCOME = Outcome(
    job_id="job", epoch=1, verdict=Verdict.SUCCEEDED, started_at=1, finished_at=2, result=b"null"
)

SAME_AGAIN = frames_of(Channel.OUTCOMES, msgspec.msgpack.encode(OUTCOME))[0]


class Delivered:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.times_done = 0
        self.kept = 0

    @property
    def is_done(self) -> bool:
        return self.times_done > 0

    def done(self) -> None:
        self.times_done += 1

    def keep(self) -> None:
        self.kept += 1


class Wire:
    """Keeps what is sent until the test carries it; each packet once, twice or never."""

    def __init__(self) -> None:
        self.is_connected = True
        self.sent: list[tuple[str, bytes, Callable[[], None]]] = []

    def send(self, queue: str, payload: bytes, *, packet_id: str, sent: Callable[[], None]) -> None:
        del packet_id
        self.sent.append((queue, payload, sent))

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ready(self, seconds_max: float) -> None: ...
    async def check(self) -> str | None: ...
    async def consume(self, queue: str, take: Take, *, window: int, lasting: bool) -> None: ...
    async def leave(self, queue: str, *, delete: bool) -> None: ...


class Pair:
    """Both ends of a conversation."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.ended: list[str] = []
        self.dispatcher: QueuedConnection[FromWorker, ToWorker] = QueuedConnection(
            FromWorker, peer="worker"
        )
        self.worker: QueuedConnection[ToWorker, FromWorker] = QueuedConnection(
            ToWorker, peer="dispatcher"
        )
        self.ends: dict[str, Conversation[object, object]] = {
            "status": self._end(self.dispatcher, "status", "tasks.one"),
            "tasks.one": self._end(self.worker, "tasks.one", "status"),
        }
        for end in self.ends.values():
            end.begin()

    def _end(self, connection: object, own: str, to: str) -> Conversation[object, object]:
        return Conversation(
            "talk",
            connection,  # type: ignore[arg-type]  # either end
            self.wire,
            reply_to=own,
            to=to,
            ended=lambda _: self.ended.append(own),
        )

    def packets(self) -> list[Packet]:
        """Return what the dispatcher's end has sent so far."""
        return [decoded(payload) for to, payload, _ in self.wire.sent if to == "tasks.one"]

    def confirm(self) -> None:
        """Confirm what was sent."""
        for _, _, confirmed in tuple(self.wire.sent):
            confirmed()

    async def carry(self, *, times: int = 1) -> list[Delivered]:
        """Deliver what was sent, and what is sent in answer; return the deliveries."""
        deliveries = []
        for _ in range(20):
            await asyncio.sleep(0)
            sent, self.wire.sent = self.wire.sent, []
            for queue, payload, confirmed in sent:
                confirmed()
                for _ in range(times):
                    deliveries.append(Delivered(payload))
                    self.ends[queue].arrived(decoded(payload), deliveries[-1])
        return deliveries


def carrying(deliveries: list[Delivered], tag: bytes) -> Delivered:
    (found,) = [one for one in deliveries if tag in one.payload]
    return found


def an_assignment() -> Assignment:
    return Assignment(
        job_id="job", epoch=1, attempt=1, tenant_id="t", language="python", content_hash="h",
        content="", arguments=b"{}", isolation=Isolation.FORK, timeout_seconds=1, token="",
    )  # fmt: skip


async def test_packets_that_come_twice_are_read_once() -> None:
    pair = Pair()
    pair.worker.send_soon(Heartbeat(free_slots=1))
    pair.worker.send_soon(Heartbeat(free_slots=2))

    await pair.carry(times=2)

    assert await pair.dispatcher.receive_batch(10) == [
        Heartbeat(free_slots=1),
        Heartbeat(free_slots=2),
    ]


async def test_a_packet_with_work_is_acknowledged_when_its_outcome_was_taken() -> None:
    pair = Pair()
    await pair.carry()
    pair.dispatcher.send_soon(Assign(jobs=(an_assignment(),)))
    work = carrying(await pair.carry(), b"assign")
    before = work.is_done
    pair.worker.send_soon(OUTCOME)
    outcome = carrying(await pair.carry(), b"outcome")
    between = (work.is_done, outcome.is_done)

    pair.dispatcher.send_soon(OutcomesTaken(jobs=(Held("job", 1),)))
    await pair.carry()

    assert not before
    assert between == (False, False), "an outcome was acknowledged before it was durable"
    assert (work.is_done, outcome.is_done) == (True, True)


async def test_look_asks_for_patience_with_open_packets() -> None:
    pair = Pair()
    await pair.carry()
    pair.dispatcher.send_soon(Assign(jobs=(an_assignment(),)))
    work = carrying(await pair.carry(), b"assign")

    pair.ends["tasks.one"].look(structs.replace(NEVER, pulse_seconds=0))

    assert (work.kept, work.is_done) == (1, False)


async def test_look_takes_off_the_broker_what_is_open_for_too_long() -> None:
    pair = Pair()
    await pair.carry()
    pair.dispatcher.send_soon(Assign(jobs=(an_assignment(),)))
    work = carrying(await pair.carry(), b"assign")

    pair.ends["tasks.one"].look(Pace(open_seconds_max=-1))

    assert work.is_done


async def test_a_lost_packet_ends_both_ends() -> None:
    pair = Pair()
    await pair.carry()
    pair.worker.send_soon(Heartbeat(free_slots=1))
    await asyncio.sleep(0)
    pair.wire.sent.clear()
    pair.ends["tasks.one"].look(Pace(pulse_seconds=0))
    await pair.carry()

    pair.ends["status"].look(AT_ONCE)
    await pair.carry()

    assert sorted(pair.ended) == ["status", "tasks.one"]
    with pytest.raises(ConnectionLost):
        await pair.worker.receive()


async def test_a_doubted_end_that_answers_is_kept() -> None:
    pair = Pair()
    await pair.carry()
    end = pair.ends["status"]

    end.doubt()
    await pair.carry()
    end.look(AT_ONCE)

    assert pair.ended == []


async def test_a_doubted_end_that_says_nothing_is_given_up() -> None:
    pair = Pair()
    await pair.carry()
    end = pair.ends["status"]

    end.doubt()
    end.look(AT_ONCE)

    assert pair.ended == ["status"]


async def test_silence_means_nothing_while_the_broker_is_away() -> None:
    pair = Pair()
    pair.wire.is_connected = False

    pair.ends["status"].look(Pace(silent_seconds_max=-1))

    assert pair.ended == []


async def test_the_last_word_of_one_end_ends_the_other() -> None:
    pair = Pair()
    await pair.carry()
    await pair.worker.close()

    await pair.carry()

    assert pair.ended == ["tasks.one", "status"]


async def test_write_cuts_what_is_too_long_for_a_packet() -> None:
    pair = Pair()

    pair.ends["status"].write(b"x" * 2_000_000)

    assert [len(packet.data) for packet in pair.packets()] == [900_000, 900_000]
    pair.confirm()
    assert [len(packet.data) for packet in pair.packets()] == [900_000, 900_000, 200_000]


async def test_write_gathers_what_comes_while_packets_are_under_way() -> None:
    pair = Pair()

    for letter in b"abcdef":
        pair.ends["status"].write(bytes([letter]))

    before = [packet.data for packet in pair.packets()]
    pair.confirm()
    assert before == [b"a", b"b"]
    assert [packet.data for packet in pair.packets()] == [b"a", b"b", b"cdef"]


async def test_close_sends_what_was_gathered_before_the_last_word() -> None:
    pair = Pair()
    for letter in b"abc":
        pair.ends["status"].write(bytes([letter]))

    pair.ends["status"].close()

    assert [packet.kind for packet in pair.packets()] == [Kind.DATA] * 3 + [Kind.END]


@pytest.mark.parametrize("last", [SAME_AGAIN, b"\xff" * 6], ids=["same", "violation"])
async def test_a_packet_of_an_unruly_worker_is_acknowledged_once(last: bytes) -> None:
    pair = Pair()
    await pair.carry()
    # The first packet of the worker's end has its grants of credit.
    packet = Packet(Kind.DATA, "talk", 1, "tasks.one", SAME_AGAIN + last)
    delivered = Delivered(encoded(packet))

    pair.ends["status"].arrived(packet, delivered)
    pair.dispatcher.done()

    assert delivered.times_done == 1

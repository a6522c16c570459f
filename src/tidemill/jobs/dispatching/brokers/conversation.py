"""A conversation of a dispatcher and a worker over two queues, in order and without gaps.

A broker repeats what was not confirmed, mixes up the order after a lost connection, and loses all
when it is wiped. Numbers repair the first two. After a loss the conversation ends, as a socket
does, and the worker begins another one: then both say again what they hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic

import structlog
from msgspec import Struct

from tidemill.core.queues import Delivery, Queues
from tidemill.jobs.dispatching.brokers.packets import Kind, Order, Packet, encoded, packet_bytes_max
from tidemill.jobs.protocol.connection import Connection, In, Out
from tidemill.jobs.protocol.messages import Assign, Held, Outcome, Outcomes, OutcomesTaken
from tidemill.jobs.protocol.receiving import Windows

unconfirmed_bytes_max: Final = 2 * 1024 * 1024
"""From there on the sender waits for the broker."""
packets_under_way: Final = 2
"""From there on what is written is gathered."""
ahead_packets_max: Final = 512

log = structlog.get_logger("tidemill.jobs.dispatching.brokers")


class Pace(Struct, frozen=True, kw_only=True):
    """How often an end gives a sign of life, and when it gives the other one up.

    `open_seconds_max` is how long a packet of work may stay unacknowledged; a broker would take a
    longer one for a reader that hangs (RabbitMQ: 30 minutes).
    """

    pulse_seconds: float = 2.0
    silent_seconds_max: float = 10.0
    missing_seconds_max: float = 2.0
    doubt_seconds_max: float = 1.0
    open_seconds_max: float = 600.0


class _Opened:
    """A packet whose jobs are not over."""

    def __init__(self, delivery: Delivery, since: float) -> None:
        self.delivery = delivery
        self.since = self.kept_at = since
        self.jobs: set[Held] = set()
        self._is_done = False

    def done(self) -> None:
        """Acknowledge the packet, once: a broker closes the channel on a second time."""
        if not self._is_done:
            self._is_done = True
            self.delivery.done()


class QueuedConnection(Connection[In, Out]):
    """An end that acknowledges a packet once nothing that it brought is under way any more.

    At the worker that is when the outcomes of its jobs have been taken; at the dispatcher, when
    the outcomes in it are durable.
    """

    def __init__(self, incoming: Any, *, peer: str, windows: Windows | None = None) -> None:
        super().__init__(incoming, peer=peer, windows=windows)
        self._opened: dict[Held, _Opened] = {}
        self._reading: _Opened | None = None

    def read(self, data: bytes, delivery: Delivery) -> None:
        """Take the next packet."""
        reading = self._reading = _Opened(delivery, asyncio.get_running_loop().time())
        self.received(data)
        self._reading = None
        if not reading.jobs:
            reading.done()

    def tend(self, pace: Pace) -> None:
        """Ask the broker for patience with what takes long, or take it off its hands."""
        now = asyncio.get_running_loop().time()
        for opened in set(self._opened.values()):
            if now - opened.since > pace.open_seconds_max:
                self._close_opened(opened)
            elif now - opened.kept_at >= pace.pulse_seconds:
                opened.kept_at = now
                opened.delivery.keep()

    def done(self) -> None:
        """Acknowledge everything: this conversation is over."""
        for opened in set(self._opened.values()):
            self._close_opened(opened)

    def _unpacked(self, data: Any) -> Any:
        for received, message in super()._unpacked(data):
            self._note(message)
            yield received, message

    def _packed(self, channel: Any, message: Any) -> Any:
        if type(message) is OutcomesTaken:
            self._over(message)
        return super()._packed(channel, message)

    def _note(self, message: object) -> None:
        if isinstance(message, Assign | Outcomes):
            self._keep(*(Held(job.job_id, job.epoch) for job in message.jobs))
        elif isinstance(message, Outcome):
            self._keep(Held(message.job_id, message.epoch))
        elif isinstance(message, OutcomesTaken):
            self._over(message)

    def _keep(self, *jobs: Held) -> None:
        if self._reading is None:
            return
        for job in jobs:
            self._over(OutcomesTaken(jobs=(job,)))
            self._opened[job] = self._reading
            self._reading.jobs.add(job)

    def _over(self, taken: OutcomesTaken) -> None:
        for job in taken.jobs:
            opened = self._opened.pop(job, None)
            if opened is not None:
                opened.jobs.discard(job)
                if not opened.jobs and opened is not self._reading:
                    opened.done()

    def _close_opened(self, opened: _Opened) -> None:
        for job in opened.jobs:
            self._opened.pop(job, None)
        opened.jobs.clear()
        opened.done()


class Conversation(Generic[In, Out]):
    """One end: the link of its connection."""

    def __init__(
        self,
        name: str,
        connection: QueuedConnection[In, Out],
        queues: Queues,
        *,
        reply_to: str,
        to: str,
        ended: Callable[[Conversation[In, Out]], None],
    ) -> None:
        self.name = name
        self.connection = connection
        self.to = to
        self._queues = queues
        self._reply_to = reply_to
        self._ended = ended
        self._order = Order(ahead_packets_max)
        self._sent = 0
        self._written = bytearray()
        self._unconfirmed = 0
        self._under_way = 0
        self._pulses = 0
        self._is_over = False
        self._doubted_at: float | None = None
        self.heard_at = self._said_at = asyncio.get_running_loop().time()

    def begin(self) -> None:
        """Open the connection."""
        self.connection.link_made(self)

    # The link.

    def write(self, data: bytes) -> None:
        """Send bytes, in packets that every broker takes.

        While packets are on their way, what is written waits for the next one: a packet costs a
        broker the same, whatever is in it.
        """
        if self._is_over:
            return
        self._unconfirmed += len(data)
        if self._unconfirmed > unconfirmed_bytes_max:
            self.connection.writing_paused()
        self._written += data
        self._flush()

    def close(self) -> None:
        """Say the last word, and end."""
        if not self._is_over:
            self._flush(at_once=True)
            self._say(Kind.END)
            self.end("The conversation was closed at this end.")

    def abort(self) -> None:
        """End at once."""
        self.close()

    # The broker.

    def arrived(self, packet: Packet, delivery: Delivery) -> None:
        """Take a packet of the other end."""
        now = self.heard_at = asyncio.get_running_loop().time()
        self._doubted_at = None
        if packet.kind is Kind.DATA:
            if not self._order.wants(packet):
                # It came again, and what it brought is known here.
                delivery.done()
                return
            for ready, mark in self._order.take(packet, delivery, now=now):
                self.connection.read(ready.data, mark)  # type: ignore[arg-type]  # its delivery
            return
        delivery.done()
        if packet.kind is Kind.UNKNOWN:
            self.end("The other end has been started anew.")
            return
        self._order.announced(packet.number, now=now)
        if packet.kind is Kind.END and self._order.missing_since is None:
            self.end("The other end has closed.")
        elif packet.kind is Kind.ASK:
            self._say(Kind.PULSE)

    def doubt(self) -> None:
        """Ask the other end for a sign of life, and give it up without one."""
        if self._doubted_at is None:
            self._doubted_at = asyncio.get_running_loop().time()
            self._say(Kind.ASK)

    def look(self, pace: Pace) -> None:
        """Give a sign of life when one is due, and notice what is missing."""
        now = asyncio.get_running_loop().time()
        if not self._queues.is_connected:
            # Nobody can be heard now, and that says nothing of the other end.
            self.heard_at = max(self.heard_at, now)
            self._doubted_at = None
            return
        missing = self._order.missing_since
        if missing is not None and now - missing > pace.missing_seconds_max:
            log.warning("brokers.packet.missing", conversation=self.name, number=self._order.next)
            self._say(Kind.UNKNOWN)
            self.end("A packet was lost.")
        elif now - self.heard_at > pace.silent_seconds_max:
            self.end("The other end is silent.")
        elif self._doubted_at is not None and now - self._doubted_at > pace.doubt_seconds_max:
            self.end("The other end did not answer.")
        else:
            self.connection.tend(pace)
            if now - self._said_at >= pace.pulse_seconds:
                self._say(Kind.PULSE)

    def end(self, reason: str) -> None:
        """End without another word."""
        if self._is_over:
            return
        self._is_over = True
        self.connection.done()
        for delivery in self._order.left():
            delivery.done()  # type: ignore[attr-defined]  # the mark of a packet is its delivery
        self._ended(self)
        self.connection.link_lost(reason)

    # Inside.

    def _flush(self, *, at_once: bool = False) -> None:
        while self._written and (
            at_once or self._under_way < packets_under_way or len(self._written) >= packet_bytes_max
        ):
            data = bytes(self._written[:packet_bytes_max])
            del self._written[:packet_bytes_max]
            self._send(data)

    def _send(self, data: bytes) -> None:
        packet = Packet(Kind.DATA, self.name, self._sent, self._reply_to, data)
        self._sent += 1
        self._under_way += 1

        def confirmed() -> None:
            was_full = self._unconfirmed > unconfirmed_bytes_max
            self._unconfirmed -= len(data)
            self._under_way -= 1
            if self._is_over:
                return
            self._flush()
            if was_full and self._unconfirmed <= unconfirmed_bytes_max:
                self.connection.writing_resumed()

        self._said_at = asyncio.get_running_loop().time()
        self._queues.send(self.to, encoded(packet), packet_id=packet.packet_id, sent=confirmed)

    def _say(self, kind: Kind) -> None:
        packet = Packet(kind, self.name, self._sent, self._reply_to)
        self._pulses += 1
        self._said_at = asyncio.get_running_loop().time()
        self._queues.send(
            self.to,
            encoded(packet),
            packet_id=f"{packet.packet_id}/{kind}/{self._pulses}",
            sent=_nothing,
        )


def _nothing() -> None:
    """Nobody waits for the confirmation."""

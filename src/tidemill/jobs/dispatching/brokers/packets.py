"""What travels through a queue: a part of a conversation, with its number in it; no I/O."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec
from msgspec import Struct


class Kind(IntEnum):
    """What a packet says."""

    DATA = 0
    """Bytes of the worker protocol; the first of a conversation has the number 0."""
    PULSE = 1
    """Nothing new; the number is that of the next packet with data."""
    ASK = 2
    """As `PULSE`, and the other end shall answer with one."""
    END = 3
    """The last word; the number is as in `PULSE`."""
    UNKNOWN = 4
    """The reader knows no such conversation: begin another one."""


class Packet(Struct, frozen=True, array_like=True):
    """One message of a broker. `reply_to` is the queue in which answers are read."""

    kind: Kind
    conversation: str
    number: int
    reply_to: str
    data: bytes = b""

    @property
    def packet_id(self) -> str:
        """What makes a packet the same when it comes again; that of a pulse is never the same."""
        return f"{self.reply_to}/{self.conversation}/{self.number}"


packet_bytes_max: Final = 900_000
"""A NATS server takes 1 MiB in a message."""
_decoder: Final = msgspec.msgpack.Decoder(Packet)
_encoder: Final = msgspec.msgpack.Encoder()


def encoded(packet: Packet) -> bytes:
    """Return a packet as bytes."""
    return _encoder.encode(packet)


def decoded(payload: bytes) -> Packet:
    """Return what `encoded` made. Raises `msgspec.MsgspecError`."""
    return _decoder.decode(payload)


class Order:
    """Puts packets that came twice or out of order back in line."""

    def __init__(self, ahead_max: int) -> None:
        self.next = 0
        self.missing_since: float | None = None
        self._ahead_max = ahead_max
        self._ahead: dict[int, tuple[Packet, object]] = {}
        self._announced = 0

    def take(self, packet: Packet, mark: object, *, now: float) -> list[tuple[Packet, object]]:
        """Return what can be read now, each with its `mark`.

        A packet that was read already, or is here already, is not kept again: see `wants`.
        """
        if self.wants(packet):
            self._ahead[packet.number] = (packet, mark)
        ready = []
        while (found := self._ahead.pop(self.next, None)) is not None:
            ready.append(found)
            self.next += 1
        self._look(now)
        return ready

    def wants(self, packet: Packet) -> bool:
        """Return whether `packet` is one that `take` would keep or return."""
        return (
            self.next <= packet.number < self.next + self._ahead_max
            and packet.number not in self._ahead
        )

    def left(self) -> list[object]:
        """Return and forget the marks of packets that were not read."""
        marks = [mark for _, mark in self._ahead.values()]
        self._ahead.clear()
        return marks

    def announced(self, number: int, *, now: float) -> None:
        """Hear that all packets below `number` were sent."""
        self._announced = max(self._announced, number)
        self._look(now)

    def _look(self, now: float) -> None:
        if not self._ahead and self._announced <= self.next:
            self.missing_since = None
        elif self.missing_since is None:
            self.missing_since = now

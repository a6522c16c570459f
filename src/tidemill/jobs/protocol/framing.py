"""Frames: how messages become bytes and bytes become messages again. No I/O happens here.

A frame is `u32 length, u8 channel, u8 flags, payload`, big-endian, with at most
`frame_bytes_max` bytes of payload. The flag `more` says that the message goes on in the next
frame of the same channel; frames of other channels may lie between.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

from tidemill.jobs.protocol.errors import ProtocolViolation
from tidemill.jobs.protocol.messages import Channel, frame_bytes_max

message_bytes_max: Final = 16 * 1024 * 1024
"""The longest message; scripts, arguments and results have lower limits of their own."""

_HEADER: Final = Layout(">IBB")
_MORE: Final = 1
_CHANNELS: Final = {int(channel): channel for channel in Channel}


class Received(Struct, frozen=True, array_like=True):
    """A complete message: its channel, its bytes, and how many frames it took."""

    channel: Channel
    payload: bytes
    frames: int


def frames_of(channel: Channel, payload: bytes) -> list[bytes]:
    """Return the frames that carry `payload`, ready to be written one after the other."""
    if len(payload) <= frame_bytes_max:
        return [_HEADER.pack(len(payload), channel, 0) + payload]
    if len(payload) > message_bytes_max:
        message = f"A message of {len(payload)} bytes is over the limit of {message_bytes_max}."
        raise ValueError(message)
    return list(_split(channel, payload))


def _split(channel: Channel, payload: bytes) -> Iterator[bytes]:
    for start in range(0, len(payload), frame_bytes_max):
        part = payload[start : start + frame_bytes_max]
        more = _MORE if start + frame_bytes_max < len(payload) else 0
        yield _HEADER.pack(len(part), channel, more) + part


class FrameParser:
    """Turns bytes, cut anywhere, into messages. Holds at most one partial message per channel."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: dict[Channel, list[bytes]] = {channel: [] for channel in Channel}
        self._sizes: dict[Channel, int] = dict.fromkeys(Channel, 0)

    @property
    def is_between_messages(self) -> bool:
        """Return whether the bytes so far end with a complete message."""
        return not self._buffer and not any(self._parts.values())

    def begun(self, channel: Channel) -> int:
        """Return how many frames are here of a message of `channel` that is not complete."""
        return len(self._parts[channel])

    def feed(self, data: bytes) -> list[Received]:
        """Return the messages that `data` completes; raise `ProtocolViolation` on a bad frame."""
        buffer = self._buffer
        buffer += data
        messages: list[Received] = []
        start = 0
        while len(buffer) - start >= _HEADER.size:
            length, channel, flags = _HEADER.unpack_from(buffer, start)
            if length > frame_bytes_max or flags & ~_MORE or channel not in _CHANNELS:
                raise ProtocolViolation("A frame has a header that no peer would send.")
            end = start + _HEADER.size + length
            if len(buffer) < end:
                break
            payload = bytes(buffer[start + _HEADER.size : end])
            start = end
            message = self._add(_CHANNELS[channel], payload, more=bool(flags))
            if message is not None:
                messages.append(message)
        del buffer[:start]
        return messages

    def _add(self, channel: Channel, payload: bytes, *, more: bool) -> Received | None:
        parts = self._parts[channel]
        if not more and not parts:
            return Received(channel, payload, 1)
        if more and not payload:
            raise ProtocolViolation("An empty frame claims that its message goes on.")
        parts.append(payload)
        self._sizes[channel] += len(payload)
        if self._sizes[channel] > message_bytes_max:
            raise ProtocolViolation("A message is over the limit.")
        if more:
            return None
        whole = Received(channel, b"".join(parts), len(parts))
        self._parts[channel] = []
        self._sizes[channel] = 0
        return whole

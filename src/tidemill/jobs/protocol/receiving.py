"""The receiving half of a connection: messages in order, and the credit granted for them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

from msgspec import Struct

from tidemill.jobs.protocol.errors import ConnectionLost, ProtocolViolation
from tidemill.jobs.protocol.framing import FrameParser, Received
from tidemill.jobs.protocol.messages import Channel

In = TypeVar("In")


class Windows(Struct, frozen=True, kw_only=True):
    """How many frames the other side may have under way to us, per channel.

    A window must have room for all frames of the longest message of its channel.
    """

    control: int = 128
    outcomes: int = 512
    logs: int = 32

    def of(self, channel: Channel) -> int:
        """Return the window of `channel`."""
        return (self.control, self.outcomes, self.logs)[channel]


STRANGER: Final = Windows(control=8, outcomes=0, logs=0)
"""What somebody may send whose greeting has not been heard yet: little but that."""


class Receiver(Generic[In]):
    """Keeps what has arrived until the application takes it; the windows bound how much."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._parser = FrameParser()
        # Frames that the other side may still send: granted and not yet arrived.
        self._allowed = dict.fromkeys(Channel, 0)
        # Frames that arrived and were not yet taken by the application.
        self._held = dict.fromkeys(Channel, 0)
        self._paused: set[Channel] = set()
        self._urgent: deque[tuple[Received, In]] = deque()
        self._others: deque[tuple[Received, In]] = deque()
        self._arrived = asyncio.Event()
        self._lost: ConnectionLost | None = None

    def parsed(self, data: bytes) -> list[Received]:
        """Return the messages that `data` completes; raise when parts came without credit."""
        messages = self._parser.feed(data)
        for channel in Channel:
            # Not only complete messages take memory.
            if self._parser.begun(channel) > self._allowed[channel]:
                raise _not_granted(channel)
        return messages

    def keep(self, received: Received, message: In) -> None:
        """Hold `message` for the application; raise when the sender had no credit for it."""
        channel = received.channel
        self._allowed[channel] -= received.frames
        if self._allowed[channel] < 0:
            raise _not_granted(channel)
        self._held[channel] += received.frames
        queue = self._urgent if channel is Channel.CONTROL else self._others
        queue.append((received, message))
        self._arrived.set()

    async def take(self, limit: int, *, holding: Channel | None = None) -> list[In]:
        """Wait for a message and return up to `limit`; raise when no more can come.

        What came on `holding` counts as not taken until `release` says so.
        """
        while not self._urgent and not self._others:
            if self._lost is not None:
                raise self._lost
            self._arrived.clear()
            await self._arrived.wait()
        batch: list[In] = []
        while len(batch) < limit and (self._urgent or self._others):
            received, message = (self._urgent or self._others).popleft()
            if received.channel is not holding:
                self._held[received.channel] -= received.frames
            batch.append(message)
        return batch

    def release(self, channel: Channel, messages: int) -> None:
        """Count `messages` of one frame each, which `take` held, as taken."""
        self._held[channel] = max(0, self._held[channel] - messages)

    def grants(self) -> list[tuple[Channel, int]]:
        """Return the credit to grant now, in portions of half a window at least."""
        due: list[tuple[Channel, int]] = []
        for channel in Channel:
            window = self._windows.of(channel)
            frames = window - self._allowed[channel] - self._held[channel]
            if channel not in self._paused and frames > 0 and frames * 2 >= window:
                self._allowed[channel] += frames
                due.append((channel, frames))
        return due

    def widen(self, windows: Windows) -> None:
        """Let the other side have more under way from the next grants on."""
        self._windows = windows

    def pause(self, channel: Channel) -> None:
        """Grant nothing more on `channel`."""
        self._paused.add(channel)

    def resume(self, channel: Channel) -> None:
        """Grant again on `channel`."""
        self._paused.discard(channel)

    def fail(self, lost: ConnectionLost) -> None:
        """Let the application take what has arrived, and then hear the reason."""
        self._lost = lost
        self._arrived.set()


def _not_granted(channel: Channel) -> ProtocolViolation:
    return ProtocolViolation(f"More came on {channel.name.lower()} than was granted.")

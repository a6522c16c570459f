"""The sending half of a connection: queues per channel, credit, and the order of frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from tidemill.jobs.protocol.errors import ConnectionLost, ProtocolViolation
from tidemill.jobs.protocol.messages import Channel

_credit_max: Final = 1_000_000
_write_bytes_max: Final = 512 * 1024


class Sender:
    """Decides which frame leaves next: control first, then outcomes and logs in turn."""

    def __init__(self, size_of: Callable[[Any], int] = len) -> None:
        self._size_of = size_of
        self._credit = dict.fromkeys(Channel, 0)
        self._queues: dict[Channel, deque[Any]] = {channel: deque() for channel in Channel}
        self._exempt: deque[Any] = deque()
        self._left = dict.fromkeys(Channel, 0)
        self._waiters: dict[Channel, deque[tuple[int, asyncio.Future[None]]]] = {
            channel: deque() for channel in Channel
        }
        self._turn = Channel.OUTCOMES

    def queue(self, channel: Channel, frames: Sequence[Any]) -> None:
        """Put the frames of one message behind what waits on `channel`."""
        self._queues[channel].extend(frames)

    def queue_exempt(self, frames: Sequence[Any]) -> None:
        """Queue frames that need no credit: grants of credit itself."""
        self._exempt.extend(frames)

    def credited(self, channel: Channel, frames: int) -> None:
        """Take credit that the other side granted."""
        if frames < 1 or self._credit[channel] + frames > _credit_max:
            raise ProtocolViolation("A grant of credit is out of range.")
        self._credit[channel] += frames

    def waits(self, channel: Channel) -> bool:
        """Return whether something on `channel` has not left yet."""
        return bool(self._queues[channel])

    @property
    def frames(self) -> int:
        """Return how many frames wait for credit or for the link."""
        return sum(map(len, self._queues.values())) + len(self._exempt)

    @property
    def can_move(self) -> bool:
        """Return whether a frame could leave now."""
        return bool(self._exempt) or any(self._movable(channel) for channel in Channel)

    def next_frames(self) -> list[Any]:
        """Take what may leave now, up to a limit, so that control never waits for long."""
        frames: list[Any] = []
        size = 0
        while size < _write_bytes_max:
            frame = self._next_frame()
            if frame is None:
                break
            frames.append(frame)
            size += self._size_of(frame)
        return frames

    async def left(self, channel: Channel) -> None:
        """Return when all that waits on `channel` now has left; raise when the link ended."""
        if not self._queues[channel]:
            return
        until = self._left[channel] + len(self._queues[channel])
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[channel].append((until, waiter))
        await waiter

    def fail(self, lost: ConnectionLost) -> None:
        """Wake everybody who waits, with the reason."""
        for waiters in self._waiters.values():
            while waiters:
                _, waiter = waiters.popleft()
                if not waiter.done():
                    waiter.set_exception(lost)
        for queue in self._queues.values():
            queue.clear()
        self._exempt.clear()

    def _movable(self, channel: Channel) -> bool:
        return self._credit[channel] > 0 and bool(self._queues[channel])

    def _next_frame(self) -> Any:
        if self._exempt:
            return self._exempt.popleft()
        other = Channel.LOGS if self._turn is Channel.OUTCOMES else Channel.OUTCOMES
        for channel in (Channel.CONTROL, self._turn, other):
            if self._movable(channel):
                break
        else:
            return None
        if channel is not Channel.CONTROL:
            self._turn = Channel.LOGS if channel is Channel.OUTCOMES else Channel.OUTCOMES
        self._credit[channel] -= 1
        self._left[channel] += 1
        self._wake(channel)
        return self._queues[channel].popleft()

    def _wake(self, channel: Channel) -> None:
        waiters = self._waiters[channel]
        while waiters and waiters[0][0] <= self._left[channel]:
            _, waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

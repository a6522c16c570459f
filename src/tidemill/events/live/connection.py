"""One open stream to one client: what it follows and what waits to be sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.facts import Topic
from tidemill.events.wire import Encoder, Format, encoder_for

TRY_LATER: Final = 1013
UNREAD: Final = "the client does not read"
queued_bytes_max: Final = 8 * 1024 * 1024
topics_max: Final = 5_000


class Limits(Struct, frozen=True, kw_only=True):
    """How much one process holds for its clients."""

    connections_max: int = 5_000
    connections_per_tenant_max: int = 2_500
    connections_per_actor_max: int = 250
    queued_frames_max: int = 256
    heartbeat_seconds: float = 15.0
    replayed_facts_max: int = 5_000


class Closed(Struct, frozen=True):
    """Why a connection ends: a WebSocket close code and a word."""

    code: int
    reason: str


class _State(Enum):
    LIVE = auto()
    CATCHING_UP = auto()
    LAGGED = auto()
    CLOSED = auto()


class Connection:
    """A bounded queue between the hub, which never waits, and one client, which may be slow.

    `delivered_seq` is how far the client has come: every fact up to it that this connection may
    see and follows was handed to the transport.
    """

    def __init__(
        self,
        id_: str,
        actor: Actor,
        format_: Format,
        limits: Limits,
        write: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`write` hands a frame to the client at once, or returns False when that would wait."""
        self.id = id_
        self.actor = actor
        self.format = format_
        self.encoder: Encoder = encoder_for(format_)
        self.topics: set[Topic] = set()
        self.delivered_seq = 0
        self.closed: Closed | None = None
        self._limits = limits
        self._write = write
        self._is_awaited = False
        self._state = _State.LIVE
        self._queue: deque[tuple[bytes, int]] = deque()
        self._held: deque[tuple[bytes, int]] = deque()
        self._bytes = 0
        self._reply_bytes = 0
        self.lags = 0
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()

    @property
    def reached_seq(self) -> int:
        """How far the client has come once it has taken what waits for it."""
        return next((seq for _, seq in reversed(self._queue) if seq), self.delivered_seq)

    @property
    def is_live(self) -> bool:
        """Whether what happens now reaches the client as it happens."""
        return self._state is _State.LIVE

    @property
    def is_lagged(self) -> bool:
        """Whether the client was told to resync and has not yet."""
        return self._state is _State.LAGGED

    def push(self, frame: bytes, through_seq: int, epoch: str) -> None:
        """Queue a frame; a client that is too slow is told so, and gets nothing more till then."""
        if self._state is _State.LIVE:
            if self._is_written(frame, through_seq):
                return
            self._enqueue(frame, through_seq)
        elif self._state is _State.CATCHING_UP:
            self._held.append((frame, through_seq))
            self._bytes += len(frame)
        else:
            return
        waiting = len(self._queue) + len(self._held)
        if waiting > self._limits.queued_frames_max or self._bytes > queued_bytes_max:
            self._lag(epoch)

    def reply(self, frame: bytes, through_seq: int = 0) -> None:
        """Queue an answer to the client, whatever its state; answers carry no facts.

        A client that asks on and does not read the answers is closed.
        """
        if self._state is _State.CLOSED:
            return
        self._reply_bytes += len(frame)
        if self._reply_bytes > queued_bytes_max:
            self.close(TRY_LATER, UNREAD)
            return
        self._enqueue(frame, through_seq)

    async def push_when_there_is_room(self, frame: bytes, through_seq: int) -> bool:
        """Queue a frame of the past, at the client's pace; return False when it is over."""
        while self._state is _State.CATCHING_UP:
            if len(self._queue) < max(1, self._limits.queued_frames_max // 2):
                self._enqueue(frame, through_seq)
                return True
            self._drained.clear()
            await self._drained.wait()
        return False

    def begin_catching_up(self, since: int) -> None:
        """Hold back what is live until the past that follows `since` is sent."""
        if self._state is _State.CLOSED:
            return
        self._state = _State.CATCHING_UP
        self.delivered_seq = since
        # What waits already says nothing about what is asked for now.
        self._queue = deque((frame, 0) for frame, _ in self._queue)

    def end_catching_up(self) -> None:
        """Send what was held back, and go on live."""
        if self._state is _State.CATCHING_UP:
            self._queue.extend(self._held)
            self._held.clear()
            self._state = _State.LIVE
            self._filled.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection; nothing is queued any more."""
        if self.closed is None:
            self.closed = Closed(code, reason)
        self._state = _State.CLOSED
        self._queue.clear()
        self._held.clear()
        self._filled.set()
        self._drained.set()

    async def next_frames(self) -> list[bytes]:
        """Wait for something to send; an empty list means that the connection is closed."""
        while not self._queue and self._state is not _State.CLOSED:
            self._filled.clear()
            self._is_awaited = True
            await self._filled.wait()
            self._is_awaited = False
        frames = list(self._queue)
        self._queue.clear()
        self._reply_bytes = 0
        self._bytes = sum(len(frame) for frame, _ in self._held)
        for _, through_seq in frames:
            self.delivered_seq = max(self.delivered_seq, through_seq)
        self._drained.set()
        return [frame for frame, _ in frames]

    def _is_written(self, frame: bytes, through_seq: int) -> bool:
        # Only while its task waits for frames: no frame may overtake those that it sends.
        if self._write is None or not self._is_awaited or self._queue or not self._write(frame):
            return False
        self.delivered_seq = max(self.delivered_seq, through_seq)
        return True

    def _enqueue(self, frame: bytes, through_seq: int) -> None:
        self._queue.append((frame, through_seq))
        self._bytes += len(frame)
        self._filled.set()

    def _lag(self, epoch: str) -> None:
        self._state = _State.LAGGED
        self.lags += 1
        self._queue.clear()
        self._held.clear()
        self._bytes = 0
        lagged = self.encoder.control(
            "lagged", self.delivered_seq, epoch, from_seq=self.delivered_seq
        )
        self._enqueue(lagged, self.delivered_seq)
        self._drained.set()

"""One end of the conversation between a dispatcher and a worker, over any link.

Each channel has a window of credit that the receiver grants frame by frame, as its application
takes messages. Control goes first and is received first; outcomes and logs keep their order
among themselves at the receiver, so the log that was sent before a job's outcome is also read
before it. A channel without credit waits alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from tidemill.jobs.protocol.errors import ConnectionLost, ProtocolViolation
from tidemill.jobs.protocol.framing import Received, frames_of
from tidemill.jobs.protocol.messages import (
    Channel,
    Credit,
    FromWorker,
    LogChunk,
    Outcome,
    Outcomes,
    OutcomesTaken,
    ToWorker,
)
from tidemill.jobs.protocol.receiving import Receiver, Windows
from tidemill.jobs.protocol.sending import Sender

In = TypeVar("In")
Out = TypeVar("Out")

send_seconds_max: Final = 30.0
flush_seconds_max: Final = 1.0
close_seconds_max: Final = 2.0

_CHANNEL_OF: Final[dict[type, Channel]] = {
    Outcome: Channel.OUTCOMES,
    Outcomes: Channel.OUTCOMES,
    OutcomesTaken: Channel.OUTCOMES,
    LogChunk: Channel.LOGS,
}


def channel_of(message: object) -> Channel:
    """Return the channel of a message."""
    return _CHANNEL_OF.get(type(message), Channel.CONTROL)


class Link(Protocol):
    """What carries the bytes: a Unix socket, TLS, or a call into the other end.

    A link calls `received`, `writing_paused`, `writing_resumed` and `link_lost` of its
    connection.
    """

    def write(self, data: Any) -> None:
        """Queue `data`: bytes, or whatever both ends make of frames."""
        ...

    def close(self) -> None:
        """Send what is queued, then end; both ends hear of it by `link_lost`."""
        ...

    def abort(self) -> None:
        """End at once."""
        ...


class Connection(Generic[In, Out]):
    """Sends messages of type `Out` and receives messages of type `In` on one event loop."""

    size_of: Callable[[Any], int] = len
    """The bytes of a frame, as far as they count for one write."""

    def __init__(
        self, incoming: Any, *, windows: Windows | None = None, peer: str = "in-process"
    ) -> None:
        self.peer = peer
        self._decode = msgspec.msgpack.Decoder[Any](incoming).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._sender = Sender(self.size_of)
        self._receiver: Receiver[In] = Receiver(windows or Windows())
        self._link: Link | None = None
        self._lost: ConnectionLost | None = None
        self._gone = asyncio.Event()
        self._writable = True
        self._flush_due = False
        self.sent_away = False
        """Whether this end has ended it for good: whoever was there has no right to be."""
        self.is_wide = windows is None or windows.outcomes > 0

    # What the application calls.

    @property
    def closed(self) -> bool:
        """Return whether nothing can be sent any more."""
        return self._lost is not None

    @property
    def untaken(self) -> int:
        """Return how many frames wait here until the other end lets them come."""
        return self._sender.frames

    async def send(self, message: Out, *, seconds_max: float = send_seconds_max) -> None:
        """Return once `message` is on its way, in the order of its channel.

        Waits for credit. Raises `ConnectionLost` when the connection has ended, and ends it when
        a control message or an outcome cannot leave within `seconds_max`. Log chunks wait for
        as long as the reader wants them to.
        """
        channel = self.send_soon(message)
        if not self._sender.waits(channel):
            return
        try:
            async with asyncio.timeout(None if channel is Channel.LOGS else seconds_max):
                await self._sender.left(channel)
        except TimeoutError:
            lost = ConnectionLost(f"{self.peer} took nothing for {seconds_max} s.")
            self._end(lost, abort=True)
            raise lost from None

    def send_soon(self, message: Out) -> Channel:
        """Queue `message` without waiting; for few and small messages, never for logs."""
        if self._lost is not None:
            raise ConnectionLost(*self._lost.args)
        channel = channel_of(message)
        self._sender.queue(channel, self._packed(channel, message))
        self._move()
        return channel

    async def receive(self) -> In:
        """Return the next message, control first; raise `ConnectionLost` when there is no more."""
        return (await self.receive_batch(1))[0]

    async def receive_batch(self, limit: int, *, holding: Channel | None = None) -> list[In]:
        """Wait for a message and return up to `limit` that have arrived, control first.

        What came on `holding` gives its sender no new credit until `release` is called.
        """
        batch = await self._receiver.take(limit, holding=holding)
        self._grant()
        return batch

    def release(self, channel: Channel, messages: int = 1) -> None:
        """Give credit for `messages` that `receive_batch` held back."""
        self._receiver.release(channel, messages)
        self._grant()

    def pause(self, channel: Channel) -> None:
        """Grant no more credit on `channel`; its sender waits when the window is used up."""
        self._receiver.pause(channel)

    def resume(self, channel: Channel) -> None:
        """Grant credit on `channel` again."""
        self._receiver.resume(channel)
        self._grant()

    def widen(self, windows: Windows | None = None) -> None:
        """Take as much as from somebody known, after a greeting that was accepted."""
        if not self.is_wide:
            self.is_wide = True
            self._receiver.widen(windows or Windows())
            self._grant()

    async def close(self) -> None:
        """Send what waits, logs excepted, and end within a deadline. Safe to repeat."""
        if self._lost is None and self._link is not None:
            with suppress(TimeoutError, ConnectionLost):
                async with asyncio.timeout(flush_seconds_max):
                    await self._sender.left(Channel.CONTROL)
                    await self._sender.left(Channel.OUTCOMES)
            self._flush()
        self._end(ConnectionLost("The connection was closed at this end."))
        try:
            async with asyncio.timeout(close_seconds_max):
                await self._gone.wait()
        except TimeoutError:
            if self._link is not None:
                self._link.abort()

    def abort(self, reason: str) -> None:
        """End the connection at once, e.g. when the peer broke a rule of the conversation."""
        self._end(ProtocolViolation(reason), abort=True)

    async def wait_closed(self) -> None:
        """Return when the link is gone."""
        await self._gone.wait()

    # What the link calls.

    def link_made(self, link: Link) -> None:
        """Take `link` into use, and grant the first credit."""
        self._link = link
        self._grant()
        self._move()

    def received(self, data: Any) -> None:
        """Take what the link brings."""
        if self._lost is not None:
            return
        try:
            for received, message in self._unpacked(data):
                if type(message) is Credit:
                    self._sender.credited(message.channel, message.frames)
                else:
                    self._receiver.keep(received, message)
        except ProtocolViolation as violation:
            self._end(violation, abort=True)
        except msgspec.MsgspecError:
            self._end(ProtocolViolation(f"{self.peer} sent an unknown message."), abort=True)
        else:
            self._move()

    def link_lost(self, reason: str) -> None:
        """Hear from the link that it has ended."""
        self._gone.set()
        self._end(ConnectionLost(reason))

    def writing_paused(self) -> None:
        """Hear from the link that it holds enough unsent bytes."""
        self._writable = False

    def writing_resumed(self) -> None:
        """Hear from the link that it has room again."""
        self._writable = True
        self._move()

    # How messages travel; a link within one process has its own way.

    def _packed(self, channel: Channel, message: Out | Credit) -> Sequence[Any]:
        """Return the frames of a message."""
        return frames_of(channel, self._encode(message))

    def _unpacked(self, data: Any) -> Iterator[tuple[Received, Any]]:
        """Return the messages that `data` completes."""
        for received in self._receiver.parsed(data):
            yield received, self._decode(received.payload)

    def _write(self, link: Link, frames: Sequence[Any]) -> None:
        """Hand frames to the link, all at once."""
        link.write(b"".join(frames))

    # Inside.

    def _move(self) -> None:
        # One write per turn of the loop: what a turn sends shares a system call.
        if not self._flush_due and self._writable and self._sender.can_move:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._link is None or self._lost is not None:
            return
        while self._writable:
            frames = self._sender.next_frames()
            if not frames:
                return
            self._write(self._link, frames)

    def _grant(self) -> None:
        if self._lost is not None or self._link is None:
            return
        for channel, frames in self._receiver.grants():
            credit = Credit(channel=channel, frames=frames)
            self._sender.queue_exempt(self._packed(Channel.CONTROL, credit))
        self._move()

    def _end(self, lost: ConnectionLost, *, abort: bool = False) -> None:
        if self._lost is not None:
            return
        self._lost = lost
        self._sender.fail(lost)
        self._receiver.fail(lost)
        if self._link is None:
            self._gone.set()
        elif abort:
            self._link.abort()
        elif not self._gone.is_set():
            self._link.close()


WorkerConnection: TypeAlias = Connection[ToWorker, FromWorker]
"""The worker's end."""

DispatcherConnection: TypeAlias = Connection[FromWorker, ToWorker]
"""The dispatcher's end."""


def worker_end(*, windows: Windows | None = None, peer: str = "dispatcher") -> WorkerConnection:
    """Return the worker's end, not linked yet."""
    return Connection(ToWorker, windows=windows, peer=peer)


def dispatcher_end(*, windows: Windows | None = None, peer: str = "worker") -> DispatcherConnection:
    """Return the dispatcher's end, not linked yet."""
    return Connection(FromWorker, windows=windows, peer=peer)

"""Both ends in one process: the library's shape, and the fastest link."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from tidemill.jobs.protocol.connection import (
    Connection,
    DispatcherConnection,
    In,
    Link,
    Out,
    WorkerConnection,
    channel_of,
)
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.framing import Received
from tidemill.jobs.protocol.messages import Channel, Credit, FromWorker, ToWorker
from tidemill.jobs.protocol.receiving import Windows

_RECEIVED: Final = {channel: Received(channel, b"", 1) for channel in Channel}
Accept = Callable[[DispatcherConnection], Awaitable[None]]


class MemoryConnection(Connection[In, Out]):
    """An end that hands its messages over as they are: nothing is encoded."""

    @staticmethod
    def size_of(frame: object) -> int:
        """Return that a message costs nothing to hand over."""
        del frame
        return 1

    def _packed(self, channel: Channel, message: Out | Credit) -> Sequence[Any]:
        del channel
        return (message,)

    def _unpacked(self, data: Any) -> Iterator[tuple[Received, Any]]:
        for message in data:
            yield _RECEIVED[channel_of(message)], message

    def _write(self, link: Link, frames: Sequence[Any]) -> None:
        link.write(frames)


class _MemoryLink:
    """Hands messages to the other end in the next turn of the loop, so that stacks stay flat."""

    def __init__(self, other: Connection[Any, Any]) -> None:
        self._other = other
        self._own: Connection[Any, Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._ended = False

    def serve(self, own: Connection[Any, Any]) -> None:
        self._own = own
        own.link_made(self)

    def write(self, data: Any) -> None:
        if not self._ended:
            self._loop.call_soon(self._other.received, data)

    def close(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._loop.call_soon(self._other.link_lost, "The other end has closed.")
        if self._own is not None:
            self._loop.call_soon(self._own.link_lost, "The connection was closed at this end.")

    def abort(self) -> None:
        self.close()


def memory_pair(
    *, worker_windows: Windows | None = None, dispatcher_windows: Windows | None = None
) -> tuple[DispatcherConnection, WorkerConnection]:
    """Return two linked ends that live on the running loop."""
    dispatcher = MemoryConnection[FromWorker, ToWorker](
        FromWorker, windows=dispatcher_windows, peer="worker"
    )
    worker = MemoryConnection[ToWorker, FromWorker](
        ToWorker, windows=worker_windows, peer="dispatcher"
    )
    _MemoryLink(worker).serve(dispatcher)
    _MemoryLink(dispatcher).serve(worker)
    return dispatcher, worker


class MemoryListener:
    """Accepts workers of its own process; each connection runs `accept` in a task of its own."""

    def __init__(self, accept: Accept) -> None:
        self.secret = secrets.token_urlsafe(32)
        self._accept = accept
        self._tasks: dict[asyncio.Task[None], DispatcherConnection] = {}
        self._open = False

    async def start(self) -> None:
        """Begin to accept."""
        self._open = True

    async def stop(self) -> None:
        """Take no more workers, and close the connections."""
        self._open = False
        await asyncio.gather(*(connection.close() for connection in self._tasks.values()))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    def is_secret(self, candidate: str) -> bool:
        """Return whether `candidate` is the secret of this start, in constant time."""
        return hmac.compare_digest(candidate.encode(), self.secret.encode())

    def connect(self) -> WorkerConnection:
        """Return a worker's end; raises `ConnectionLost` before the start and after the stop."""
        if not self._open:
            raise ConnectionLost("The dispatcher of this process does not run.")
        dispatcher, worker = memory_pair()
        task = asyncio.create_task(self._serve(dispatcher))
        self._tasks[task] = dispatcher
        task.add_done_callback(self._tasks.pop)
        return worker

    async def _serve(self, connection: DispatcherConnection) -> None:
        try:
            await self._accept(connection)
        except ConnectionLost:
            pass
        finally:
            await connection.close()

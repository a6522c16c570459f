"""Both ends in one process: the library's shape, and the fastest link."""

from __future__ import annotations

import asyncio
from typing import Any

from tidemill.jobs.protocol.connection import (
    Connection,
    DispatcherConnection,
    WorkerConnection,
    dispatcher_end,
    worker_end,
)
from tidemill.jobs.protocol.receiving import Windows


class _MemoryLink:
    """Hands bytes to the other end in the next turn of the loop, so that stacks stay flat."""

    def __init__(self, other: Connection[Any, Any]) -> None:
        self._other = other
        self._own: Connection[Any, Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._ended = False

    def serve(self, own: Connection[Any, Any]) -> None:
        self._own = own
        own.link_made(self)

    def write(self, data: bytes) -> None:
        if not self._ended:
            self._loop.call_soon(self._other.bytes_received, data)

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
    dispatcher = dispatcher_end(windows=dispatcher_windows)
    worker = worker_end(windows=worker_windows)
    _MemoryLink(worker).serve(dispatcher)
    _MemoryLink(dispatcher).serve(worker)
    return dispatcher, worker

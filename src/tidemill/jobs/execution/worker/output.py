"""What a job prints: limited, numbered and sent while it runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Held, LogChunk
from tidemill.jobs.protocol.receiving import Windows

_REPEATED_CHUNKS_MAX: Final = Windows().logs
"""As many as a dispatcher may have that it has not written: it gives credit for no more."""
TRUNCATED: Final = "\n[truncated: the log is limited to {limit} bytes]\n"

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()

Connected = Callable[[], Awaitable[WorkerConnection]]


class JobLog:
    """The log of one attempt.

    Without credit on the connection `write` waits, the pipe fills, and the job waits at its next
    line; nothing else does. Once the job has ended, what was left in its pipes is kept here until
    it can be sent. What was sent last is said again on a new connection: the same bytes at the
    same offsets, for a dispatcher that went away before it wrote them.
    """

    def __init__(self, held: Held, connected: Connected, *, bytes_max: int) -> None:
        self._held = held
        self._connected = connected
        self._bytes_max = bytes_max
        self._offset = 0
        self._is_full = False
        self._is_closing = False
        self._is_complete = False
        self._pending: deque[LogChunk] = deque()
        self._recent: deque[LogChunk] = deque(maxlen=_REPEATED_CHUNKS_MAX)
        self._connection: WorkerConnection | None = None
        self._changed = asyncio.Condition()
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_silent(self) -> bool:
        """Return whether nothing was written."""
        return self._sending is None

    async def write(self, data: bytes) -> None:
        """Append `data`, or the line that says that the limit is reached."""
        if self._is_full:
            return
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        # No terminal shows a NUL, and in the dispatcher's file it stands for what was lost.
        data = data.replace(b"\0", _REPLACEMENT)
        room = self._bytes_max - self._offset
        if len(data) > room:
            self._is_full = True
            data = data[:room] + TRUNCATED.format(limit=self._bytes_max).encode()
        self._pending.append(
            LogChunk(
                job_id=self._held.job_id, epoch=self._held.epoch, offset=self._offset, data=data
            )
        )
        self._offset += len(data)
        async with self._changed:
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._is_closing or not self._pending)

    async def close(self) -> None:
        """Let writers go on without waiting: the job has ended, so little can come."""
        self._is_closing = True
        if self._sending is not None:
            async with self._changed:
                self._changed.notify_all()

    async def sent(self) -> None:
        """Return when everything has been sent; nothing is written any more."""
        self._is_complete = True
        if self._sending is None:
            return
        async with self._changed:
            self._changed.notify_all()
        await asyncio.shield(self._sending)

    def abandon(self) -> None:
        """Send no more."""
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._is_complete or bool(self._pending))
            while self._pending:
                await self._deliver(self._pending[0])
                self._recent.append(self._pending.popleft())
            async with self._changed:
                self._changed.notify_all()
            if self._is_complete and not self._pending:
                return

    async def settle(self) -> None:
        """Say the last part again if the connection has changed since it was sent."""
        await self._deliver(None)

    async def repeat(
        self, connection: WorkerConnection, *, seconds_max: float | None = None
    ) -> None:
        """Say the last part again on `connection`; raises `ConnectionLost`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                for chunk in tuple(self._recent):
                    await connection.send(chunk)

    def rest(self) -> tuple[LogChunk, ...]:
        """Return what a new connection would have to be told."""
        return (*self._recent, *self._pending)

    async def _deliver(self, chunk: LogChunk | None) -> None:
        while True:
            connection = await self._connected()
            try:
                if connection is not self._connection:
                    await self.repeat(connection)
                    self._connection = connection
                if chunk is not None:
                    await connection.send(chunk)
            except ConnectionLost:
                continue
            return


class LastLine:
    """Remembers the last line that is not empty, as far as a result may be long."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._last = b""
        self._open = b""

    def add(self, data: bytes) -> None:
        """Take the next bytes of the output."""
        lines = (self._open + data).split(b"\n")
        self._open = lines.pop()[: self._bytes_max + 1]
        for line in reversed(lines):
            if line.strip():
                self._last = line
                break

    def get(self) -> bytes:
        """Return the line, without its end."""
        return (self._open if self._open.strip() else self._last).strip(b"\r")


class Collected:
    """The bytes of a result, up to a limit; the rest is read and thrown away."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._parts = bytearray()
        self.is_over = False

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if len(self._parts) + len(data) > self._bytes_max:
            self.is_over = True
        else:
            self._parts += data

    def get(self) -> bytes:
        """Return what was kept."""
        return bytes(self._parts)


async def send_rest(output: JobLog, connection: WorkerConnection, *, seconds_max: float) -> bool:
    """Send what is left of the log of a job that has ended; return whether it was taken.

    Raises `ConnectionLost`, after which it is to be called again. Where the connection holds and
    nobody takes the log the rest of it is given up: then the outcome matters more.
    """
    try:
        async with asyncio.timeout(seconds_max):
            await output.sent()
            await output.settle()
    except TimeoutError:
        if connection.closed:
            raise ConnectionLost("The rest of a log waits for the next connection.") from None
        output.abandon()
        return False
    return True

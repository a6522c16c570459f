"""Ties a connection to the transport of a socket, of whatever kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from tidemill.jobs.protocol.connection import Connection

write_buffer_bytes_max: Final = 1024 * 1024


def trust_everybody(transport: asyncio.Transport) -> bool:
    """Return True: who is at the other end is found out in another way."""
    del transport
    return True


class StreamLink(asyncio.Protocol):
    """A link over a stream; it is cut at once when the other end `is_trusted` no more."""

    def __init__(
        self,
        connection: Connection[Any, Any],
        *,
        on_made: Callable[[Connection[Any, Any]], None],
        is_trusted: Callable[[asyncio.Transport], bool] = trust_everybody,
    ) -> None:
        self._connection = connection
        self._on_made = on_made
        self._is_trusted = is_trusted
        self._transport: asyncio.Transport | None = None

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # A cast, not a check: uvloop's transports are none of asyncio's classes.
        transport = cast("asyncio.Transport", made)
        self._transport = transport
        transport.set_write_buffer_limits(high=write_buffer_bytes_max)
        if not self._is_trusted(transport):
            transport.abort()
            return
        self._connection.link_made(self)
        self._on_made(self._connection)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._connection.received(data)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._connection.writing_paused()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._connection.writing_resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        del exc
        self._connection.link_lost(f"{self._connection.peer} has closed the connection.")

    def write(self, data: bytes) -> None:
        """See `Link.write`."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """See `Link.close`."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """See `Link.abort`."""
        if self._transport is not None:
            self._transport.abort()

"""One HTTP connection as uvicorn reads it, bounded before a request is whole.

uvicorn takes a head of any length for any time, answers what it cannot read in a format of its
own, takes the trailers of a body for headers, which no proxy has looked at, and waits for ever
for a client that does not read.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any, Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tidemill.core.errors import InvalidInput, TidemillError, TooLarge
from tidemill.http.bodies import ErrorBody, ErrorDetail
from tidemill.http.requests import BODY_IS_THERE

head_bytes_max: Final = 64 * 1024
head_seconds_max: Final = 30.0
unread_seconds_max: Final = 60.0
"""How long a client takes nothing of what it is sent, before its connection is cut."""
_unread_looks: Final = 2
# Where Linux, of 2015 or later, tells in `TCP_INFO` how many bytes have been acknowledged.
_ACKNOWLEDGED: Final = slice(120, 128)


class HeadTooLarge(TooLarge):
    """The request's line and headers are over the limit."""

    code = "HEAD_TOO_LARGE"
    status = 431

    def __init__(self) -> None:
        super().__init__(f"The request's line and headers have more than {head_bytes_max} bytes.")


class HttpMalformed(InvalidInput):
    """What came is not HTTP/1.1."""

    code = "HTTP_MALFORMED"


class HttpProtocol(HttpToolsProtocol):
    """Reads requests whose heads come whole, soon and short."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = False
        self._head_bytes = 0
        self._overdue: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._unread_looks = 0
        self._taken_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._overdue = self.loop.call_later(head_seconds_max, transport.close)
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._be_in_time()
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        continues = self._in_head
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._close_if_idle()
            return
        if continues:
            self._head_bytes += len(data)
        if self._head_bytes > head_bytes_max:
            self._refuse(HeadTooLarge())
        elif self._overdue is None:
            self._overdue = self.loop.call_later(head_seconds_max, self.transport.close)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._unread_bytes = 0  # The client has read: what was left is gone.
        super().resume_writing()

    def on_message_begin(self) -> None:
        """See `HttpToolsProtocol`."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        self._in_head = False
        self._be_in_time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        cast("dict[str, Any]", self.scope)[BODY_IS_THERE] = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """See `HttpToolsProtocol`."""
        self._refuse(HttpMalformed(msg))

    def _be_in_time(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _look_again(self) -> None:
        self._look = self.loop.call_later(unread_seconds_max / _unread_looks, self._check_reader)

    def _check_reader(self) -> None:
        """Cut the connection of a client that takes nothing of what there is, look after look.

        What lies in the system's own buffers is not seen here, but what of them the client took:
        they may hold so much that ours stays as it is for minutes, and a slow reader is one too.
        """
        self._look = None
        if self.transport.get_protocol() is not self:
            return  # A WebSocket's client is asked for signs of life.
        before, self._unread_bytes = self._unread_bytes, self.transport.get_write_buffer_size()
        taken, self._taken_bytes = self._taken_bytes, _bytes_taken(self.transport)
        stalls = 0 < before <= self._unread_bytes and taken == self._taken_bytes
        self._unread_looks = self._unread_looks + 1 if stalls else 0
        if self._unread_looks == _unread_looks:
            self.transport.abort()
            return
        self._look_again()

    def _close_if_idle(self) -> None:
        """End a connection in time whose client sends the rest of a request already answered.

        uvicorn stops its clock at whatever comes, and starts it with the next answer only.
        """
        is_ours = self.transport.get_protocol() is self  # A WebSocket's, it is not.
        idle = self.cycle is not None and self.cycle.response_complete and not self.pipeline
        if is_ours and idle and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _refuse(self, error: TidemillError) -> None:
        detail = ErrorDetail(
            message=error.message, type=error.type, code=error.code, param=error.param
        )
        body = msgspec.json.encode(ErrorBody(error=detail))
        answer = (
            STATUS_LINE[error.status]
            + b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
            + b"connection: close\r\n\r\n"
            + body
        )
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(answer)
        self.transport.close()


def _bytes_taken(transport: asyncio.Transport) -> int:
    """Return how many bytes the client's system has taken so far; 0 where nobody tells."""
    own = transport.get_extra_info("socket")
    asked = getattr(socket, "TCP_INFO", None)
    if own is None or asked is None:
        return 0
    try:
        told: bytes = own.getsockopt(socket.IPPROTO_TCP, asked, _ACKNOWLEDGED.stop)
    except OSError:  # No TCP, or no connection any more.
        return 0
    return int.from_bytes(told[_ACKNOWLEDGED], sys.byteorder)

"""One HTTP connection as uvicorn reads it, bounded before a request is whole.

uvicorn takes a head of any length for any time, answers what it cannot read in a format of its
own, and takes the trailers of a body for headers, which no proxy has looked at.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tidemill.core.errors import InvalidInput, TidemillError, TooLarge
from tidemill.http.bodies import ErrorBody, ErrorDetail

head_bytes_max: Final = 64 * 1024
head_seconds_max: Final = 30.0


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._overdue = self.loop.call_later(head_seconds_max, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._be_in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        continues = self._in_head
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if continues:
            self._head_bytes += len(data)
        if self._head_bytes > head_bytes_max:
            self._refuse(HeadTooLarge())
        elif self._overdue is None:
            self._overdue = self.loop.call_later(head_seconds_max, self.transport.close)

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

    def send_400_response(self, msg: str) -> None:
        """See `HttpToolsProtocol`."""
        self._refuse(HttpMalformed(msg))

    def _be_in_time(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

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

"""One WebSocket as uvicorn speaks it, with a shorter way for what is sent to very many.

A frame from a server has no mask, so that one frame serves all who are sent the same. uvicorn has
`websockets` build each anew, and takes a task's turn for it, which costs more than all the rest of
a delivery.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from tidemill.http.requests import WRITE_FRAME, FrameWriter

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_short_max: Final = 125
_medium_max: Final = 0xFFFF
_frames_kept_max: Final = 4


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Writes whole messages of an open connection itself; the base class does all the rest."""

    def handle_connect(self, event: Request) -> None:
        """See the base class; the application runs later, and finds the shorter way then."""
        super().handle_connect(event)
        if not self.close_sent:
            writer = FrameWriter(text=self._write_text, binary=self._write_binary)
            cast("dict[str, Any]", self.scope)["extensions"][WRITE_FRAME] = writer

    async def send(self, message: Any) -> None:
        """See the ASGI specification."""
        if message["type"] == "websocket.send":
            payload = message.get("bytes")
            if payload is not None:
                if self._write_binary(payload):
                    return
            elif self._write_text(message["text"].encode()):
                return
        await super().send(message)

    def _write_text(self, payload: bytes) -> bool:
        return self._write(_TEXT, payload)

    def _write_binary(self, payload: bytes) -> bool:
        return self._write(_BINARY, payload)

    def _write(self, opcode: int, payload: bytes) -> bool:
        if not self._is_plain():
            return False
        self.transport.write(frame(opcode, payload))
        return True

    def _is_plain(self) -> bool:
        return (
            self.handshake_complete
            and self.writable.is_set()
            and not self.disconnected
            and not self.close_sent
            and self.initial_response is None
            and self.conn.state is State.OPEN
            and not self.conn.extensions
        )


@lru_cache(maxsize=_frames_kept_max)
def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame without a mask; `opcode` is that of a final frame: RFC 6455, section 5.2."""
    length = len(payload)
    if length <= _short_max:
        return bytes((opcode, length)) + payload
    if length <= _medium_max:
        return struct.pack("!BBH", opcode, 126, length) + payload
    return struct.pack("!BBQ", opcode, 127, length) + payload

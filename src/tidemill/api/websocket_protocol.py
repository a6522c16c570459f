"""One WebSocket as uvicorn speaks it, with a shorter way for what is sent to very many.

A frame from a server has no mask: it is a head and the payload. uvicorn has `websockets` build each
anew, which costs as much as all the rest of a delivery.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_short_max: Final = 125
_medium_max: Final = 0xFFFF


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Writes whole messages of an open connection itself; the base class does all the rest."""

    async def send(self, message: Any) -> None:
        """See the ASGI specification."""
        if message["type"] == "websocket.send" and self._is_plain():
            if not self.writable.is_set():
                await self.writable.wait()
            # It may have been closed meanwhile, which the base class tells the caller.
            if self._is_plain():
                self.transport.write(_frame(message))
                return
        await super().send(message)

    def _is_plain(self) -> bool:
        return (
            self.handshake_complete
            and not self.disconnected
            and not self.close_sent
            and self.initial_response is None
            and self.conn.state is State.OPEN
            and not self.conn.extensions
        )


def _frame(message: Any) -> bytes:
    payload = message.get("bytes")
    opcode = _BINARY
    if payload is None:
        payload, opcode = message["text"].encode(), _TEXT
    return frame_head(opcode, len(payload)) + bytes(payload)


def frame_head(opcode: int, length: int) -> bytes:
    """Return what stands before a payload of `length` bytes: RFC 6455, section 5.2."""
    if length <= _short_max:
        return bytes((opcode, length))
    if length <= _medium_max:
        return struct.pack("!BBH", opcode, 126, length)
    return struct.pack("!BBQ", opcode, 127, length)

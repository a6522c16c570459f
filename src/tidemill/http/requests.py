"""The request as handlers get it, without steps that only bodies in many pieces need."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from litestar.connection import Request
from litestar.datastructures import Headers
from litestar.types import Empty, HTTPReceiveMessage, Receive
from msgspec import Struct

from tidemill.core.errors import InvalidInput

body_seconds_max: Final = 30.0
"""How long the next part of a body may keep us waiting."""
body_bytes_per_second_min: Final = 500
"""How fast a body comes at least, over all that was waited for it and `body_seconds_max`."""
BODY_IS_THERE: Final = "tidemill.body_is_there"
"""Key of the scope that our server sets once all of the body has come: a clock costs 8 µs."""


WRITE_FRAME: Final = "tidemill.write_frame"
"""Key of a WebSocket's extensions under which our server puts its `FrameWriter`."""


class FrameWriter(Struct, frozen=True):
    """Writes one message to a WebSocket at once; False when it would have to wait or is closing."""

    text: Callable[[bytes], bool]
    binary: Callable[[bytes], bool]


class BodyTooSlow(InvalidInput):
    """The request's body stopped coming, or came too slowly."""

    code = "BODY_TOO_SLOW"
    status = 408

    def __init__(self) -> None:
        super().__init__(
            "The rest of the body did not come in time. Send the request again.",
            headers={"Connection": "close"},
        )


class PlainRequest(Request[Any, Any, Any]):
    """A request whose headers are found once, and whose body mostly comes in one piece."""

    _found_headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """See `ASGIConnection.headers`."""
        found = self._found_headers
        if found is None:
            self._found_headers = found = super().headers
        return found

    async def body(self) -> bytes:
        """See `Request.body`."""
        state = self._connection_state
        if state.body is not Empty or not self.is_connected:
            return await super().body()
        first: Any = await self._receive_in_time()()
        bytes_max = self.route_handler.resolve_request_max_body_size() or math.inf
        if _is_whole(first) and len(first["body"]) <= bytes_max:
            self._body = state.body = body = first["body"]
            self.is_connected = False
            return bytes(body)
        self.receive = _beginning_with(first, self.receive)
        return await super().body()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """See `Request.stream`."""
        receive = self.receive
        self.receive = self._receive_in_time()
        try:
            async for part in super().stream():
                yield part
        finally:
            # What is received after the body, that the caller went, may take as long as it likes.
            self.receive = receive

    def _receive_in_time(self) -> Receive:
        return self.receive if self.scope.get(BODY_IS_THERE) else _InTime(self.receive)


class _InTime:
    """Receives parts of a body, as long as they come in time. Raises `BodyTooSlow`.

    Only the waiting counts: not what we do with a part before we ask for the next.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waited = 0.0
        self._bytes = 0

    async def __call__(self) -> Any:
        loop = asyncio.get_running_loop()
        began = loop.time()
        behind = max(0.0, self._waited - self._bytes / body_bytes_per_second_min)
        try:
            async with asyncio.timeout(body_seconds_max - behind):
                message: Any = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        self._waited += loop.time() - began
        self._bytes += len(message.get("body", b""))
        return message


def _is_whole(message: Any) -> bool:
    return message["type"] == "http.request" and not message.get("more_body", False)


def _beginning_with(first: HTTPReceiveMessage, rest: Receive) -> Receive:
    """Return what receives `first` and then everything else."""
    messages = [first]

    async def receive() -> Any:
        return messages.pop() if messages else await rest()

    return receive

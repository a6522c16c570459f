"""The request as handlers get it, without steps that only bodies in many pieces need."""

from __future__ import annotations

import math
from typing import Any

from litestar.connection import Request
from litestar.datastructures import Headers
from litestar.types import Empty, HTTPReceiveMessage, Receive


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
        first: Any = await self.receive()
        bytes_max = self.route_handler.resolve_request_max_body_size() or math.inf
        if _is_whole(first) and len(first["body"]) <= bytes_max:
            self._body = state.body = body = first["body"]
            self.is_connected = False
            return bytes(body)
        self.receive = _beginning_with(first, self.receive)
        return await super().body()


def _is_whole(message: Any) -> bool:
    return message["type"] == "http.request" and not message.get("more_body", False)


def _beginning_with(first: HTTPReceiveMessage, rest: Receive) -> Receive:
    """Return what receives `first` and then everything else."""
    messages = [first]

    async def receive() -> Any:
        return messages.pop() if messages else await rest()

    return receive

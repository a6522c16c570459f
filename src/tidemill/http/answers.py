"""JSON on its way out, without what Litestar does for the answers that we do not give.

Its own response builds headers one by one in a mapping that can be changed, for cookies,
templates and background tasks: a sixth of the CPU of a short request.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from litestar import Response
from litestar.connection import Request
from litestar.serialization import default_serializer
from litestar.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")

_JSON: Final = "application/json"
_encode: Final = msgspec.json.Encoder(enc_hook=default_serializer).encode
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

_Headers = list[tuple[bytes, bytes]]


class Answer(Response[T]):
    """An answer of a route; what is more than JSON and headers is left to Litestar."""

    def to_asgi_response(  # type: ignore[override]  # a plain ASGI application is all that is used
        self,
        app: None,
        request: Request[Any, Any, Any],
        *,
        headers: dict[str, str] | None = None,
        status_code: int | None = None,
        media_type: str | None = None,
        **options: Any,
    ) -> ASGIApp:
        """See `Response.to_asgi_response`."""
        status = self.status_code or status_code or HTTPStatus.OK
        kind = self.media_type or media_type or _JSON
        if kind != _JSON or self.cookies or self.background or status in _BODILESS:
            return super().to_asgi_response(
                app,
                request,
                headers=headers,
                status_code=status_code,
                media_type=media_type,
                **options,
            )
        body = _encode(self.content)
        sent: _Headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        if self.headers or headers:
            sent = [*_encoded({**(headers or {}), **self.headers}), *sent]
        return _Sent(int(status), sent, body)


def _encoded(headers: Mapping[str, str]) -> _Headers:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


class _Sent:
    """The two messages of an answer."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, headers: _Headers, body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(
            {"type": "http.response.start", "status": self._status, "headers": self._headers}
        )
        await send({"type": "http.response.body", "body": self._body, "more_body": False})

"""Says the framework's own refusals as every other refusal is said."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tidemill.core.errors import TidemillError
from tidemill.http.bodies import ErrorBody, ErrorDetail
from tidemill.http.errors import PreflightRefused, RouteNotFound

_DOCS: Final = "/api/docs/"


class OwnWords:
    """ASGI middleware around the framework, which answers two things past our error handler.

    It refuses a preflight with a line of text, and a page about the API that does not exist with
    HTML.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, but for those refusals."""
        if scope["type"] == ScopeType.HTTP:
            if scope["method"] == HttpMethod.OPTIONS:
                send = _Translated(send, HTTPStatus.BAD_REQUEST, PreflightRefused())
            elif scope["path"].startswith(_DOCS):
                send = _Translated(send, HTTPStatus.NOT_FOUND, RouteNotFound(scope["path"]))
        await self._app(scope, receive, send)


class _Translated:
    """Sends `error` in place of an answer with `status`."""

    def __init__(self, send: Send, status: HTTPStatus, error: TidemillError) -> None:
        self._send = send
        self._status = status
        self._error = error
        self._replaces = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == self._status:
            self._replaces = True
        if not self._replaces:
            await self._send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            await self._say()

    async def _say(self) -> None:
        error = self._error
        detail = ErrorDetail(
            message=error.message, type=error.type, code=error.code, param=error.param
        )
        body = msgspec.json.encode(ErrorBody(error=detail))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._send(
            {"type": "http.response.start", "status": error.status, "headers": headers}
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

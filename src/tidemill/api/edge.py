"""The outermost layer: what happens to every request, whatever it asks for.

It names the request, finds the caller's address, bounds the body, adds the security headers,
and reports each answer to whoever counts and logs them. Plain ASGI, since it runs on every request.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import msgspec
import structlog
from litestar.config.cors import CORSConfig
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct
from uuid_utils import uuid7

from tidemill.api.tracing import begin_request, end_request
from tidemill.core.log_context import LOG_CONTEXT
from tidemill.core.ports import RateLimitState
from tidemill.http.authentication import CONTEXT, RequestContext
from tidemill.http.bodies import ErrorBody, ErrorDetail
from tidemill.http.errors import BodyTooLarge, InternalError

log = structlog.get_logger(__name__)

_LIFESPAN: Final[Any] = "lifespan"
_HEAD: Final = "HEAD"
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT: Final = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_API_HEADERS: Final = (
    *_SECURITY_HEADERS,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

_OURS: Final = frozenset(name for name, _ in (*_API_HEADERS, _HSTS))

_DATA: Final = ("/api/", "/v1/", "/health", "/live", "/ready")
"""Begins of the paths that answer programs, except for the documentation below `/api/docs`."""

_Headers = list[tuple[bytes, bytes]]

_LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

Observe = Callable[[str, str, int, float], None]
"""Takes method, route, status and seconds of a finished request."""


class EdgeOptions(Struct, frozen=True, kw_only=True):
    """What the edge needs to know of the configuration.

    `uploads` are the paths whose routes bound their bodies by themselves.
    """

    body_bytes_max: int
    uploads: re.Pattern[str] | None = None
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    secure: bool = False
    cors: CORSConfig | None = None


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, options: EdgeOptions, observe: Observe) -> None:
        self._app = app
        self._options = options
        self._observe = observe
        self.in_flight = 0
        """Requests that are being answered now."""
        hsts = (_HSTS,) if options.secure else ()
        self._api_headers = (*_API_HEADERS, *hsts)
        self._page_headers = (*_SECURITY_HEADERS, *hsts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request or WebSocket; pass lifespan through."""
        if scope["type"] == _LIFESPAN:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        context = _context(scope, headers, self._options.trusted_proxies)
        cast("dict[str, Any]", scope)[CONTEXT] = context
        LOG_CONTEXT.set(context)
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(send, context, self._headers_for(scope["path"]))
        method, inner = str(scope["method"]), cast("Scope", scope)
        if method == _HEAD:
            # What GET would say of itself, without its body.
            inner = cast("Scope", {**scope, "method": HttpMethod.GET.value})
            exchange = _HeadersOnly(send, context, self._headers_for(scope["path"]))
        span = begin_request(method, scope["path"], context)
        started = time.perf_counter()
        self.in_flight += 1
        try:
            await self._bounded(inner, receive, headers, exchange)
        except Exception:
            log.exception("http.request.broke", path=scope["path"])
            await self._fail(exchange, InternalError(context.request_id), headers)
        finally:
            self.in_flight -= 1
            route = route_of(inner)
            self._observe(method, route, exchange.status, time.perf_counter() - started)
            if span is not None:
                end_request(span, method, route, exchange.status, context)

    def _headers_for(self, path: str) -> tuple[tuple[bytes, bytes], ...]:
        pages = path.startswith("/api/docs") or not path.startswith(_DATA)
        return self._page_headers if pages else self._api_headers

    async def _bounded(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], exchange: _Exchange
    ) -> None:
        bytes_max = self._options.body_bytes_max
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > bytes_max and not self._takes_files(scope):
            await self._fail(exchange, BodyTooLarge(bytes_max), headers)
            return
        await self._app(scope, receive, exchange.send)

    def _takes_files(self, scope: Scope) -> bool:
        uploads = self._options.uploads
        return (
            uploads is not None
            and scope.get("method") == HttpMethod.POST
            and uploads.fullmatch(scope["path"]) is not None
        )

    async def _fail(
        self, exchange: _Exchange, error: InternalError | BodyTooLarge, given: dict[bytes, bytes]
    ) -> None:
        await exchange.fail(error, _readable(given.get(b"origin"), self._options.cors))


class _Exchange:
    """One answer on its way out: adds headers and remembers the status."""

    def __init__(
        self, send: Send, context: RequestContext, extra: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        self._send = send
        self._extra = extra
        self.context = context
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._with_ours(message["headers"])
        await self._send(message)

    def _with_ours(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        headers = list(given)
        named = {name for name, _ in headers}
        extra = self._extra
        if not named.isdisjoint(_OURS):
            extra = tuple(pair for pair in extra if pair[0] not in named)
        headers.append((b"x-request-id", self.context.request_id.encode()))
        rate = self.context.rate
        if rate is not None:
            headers += _rate_headers(rate)
        headers += extra
        return headers

    async def fail(self, error: InternalError | BodyTooLarge, more: _Headers) -> None:
        if self.status:
            return  # The answer has begun; the connection just ends.
        detail = ErrorDetail(
            message=error.message, type=error.type, code=error.code, param=error.param
        )
        body = msgspec.json.encode(ErrorBody(error=detail))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *more,
        ]
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


class _HeadersOnly(_Exchange):
    """The answer to HEAD: complete with the headers, however long the body would go on."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await super().send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _readable(origin: bytes | None, cors: CORSConfig | None) -> _Headers:
    """Return what lets a page of `origin` read an answer that the framework does not give."""
    if origin is None or cors is None or not cors.is_origin_allowed(origin.decode("latin-1")):
        return []
    said = [(name.lower().encode(), text.encode()) for name, text in cors.simple_headers.items()]
    if not cors.is_allow_all_origins:
        said += [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    return said


def _rate_headers(rate: RateLimitState) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"ratelimit-limit", b"%d" % rate.limit),
        (b"ratelimit-remaining", b"%d" % rate.remaining),
        (b"ratelimit-reset", b"%d" % math.ceil(rate.reset_seconds)),
    )


def route_of(scope: Any) -> str:
    """Return the route's template, which bounds the metrics' labels, never the path itself."""
    return str(scope.get("path_template") or "unmatched")


def _context(
    scope: Scope,
    headers: dict[bytes, bytes],
    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
) -> RequestContext:
    given = headers.get(b"x-request-id", b"")
    traceparent = headers.get(b"traceparent", b"")
    server = scope.get("server")
    # ASGI's form of a Unix socket: its path, as it was bound, and no port. No host has a slash.
    local = server is not None and server[1] is None and "/" in server[0]
    return RequestContext(
        local=local,
        request_id=given.decode() if _REQUEST_ID.fullmatch(given) else str(uuid7()),
        address=_address(scope, headers, trusted, local=local),
        traceparent=traceparent.decode() if _TRACEPARENT.fullmatch(traceparent) else None,
    )


def _address(
    scope: Scope,
    headers: dict[bytes, bytes],
    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    *,
    local: bool,
) -> str:
    client = scope.get("client")
    # A peer that reset its connection has no address any more, and is not on this machine for that.
    peer = client[0] if client else "local" if local else "unknown"
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded is None and b"forwarded" not in headers:
        return peer
    if forwarded is None or not _within(peer, trusted):
        # A proxy on this machine that nobody vouched for must not make strangers look local.
        return "unknown" if _within(peer, _LOOPBACK) else peer
    # The right-most address that is not a trusted proxy is the one that reached us.
    for hop in reversed(forwarded.decode("latin-1").split(",")):
        candidate = hop.strip()
        if not _is_address(candidate):
            return peer
        if not _within(candidate, trusted):
            return candidate
    return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(text: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)

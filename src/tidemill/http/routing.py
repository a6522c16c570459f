"""The only way to declare a route: each names its permission, or says that it is public.

The decorators wrap Litestar's and put the guard in front; an architecture test forbids
Litestar's own decorators outside this package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import litestar
from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation
from msgspec import Struct

from tidemill.core.authorization import Permission
from tidemill.http.authentication import PERMISSION, guard, public_guard
from tidemill.http.bodies import ErrorBody
from tidemill.http.described_headers import operation_class_of
from tidemill.http.described_names import group_of, summary_of
from tidemill.http.injection import bind
from tidemill.http.requests import PlainRequest


class Public(Struct, frozen=True, kw_only=True):
    """A route that needs no credential; `reason` is why that is right."""

    reason: str


PUBLIC: Final = "public"
ERROR_SCHEMA: Final = "tidemill.error_schema"
"""Key of a route's `opt` with the Struct of its errors, where they are not ours."""
_ERRORS: Final = {
    400: "The request is malformed.",
    401: "No valid credential.",
    403: "The actor may not do this.",
    404: "There is no such thing for this tenant.",
    408: "The body did not come in time.",
    409: "The state of the thing forbids it now.",
    412: "If-Match names another version.",
    413: "The body is over the limit.",
    422: "A rule of the domain forbids it.",
    429: "Too many requests.",
    503: "A part that the request needs is away.",
}
_TOO_SLOW: Final = 408
_WITH_BODY: Final = frozenset({HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH})


class _Handler(HTTPRouteHandler):
    """A route handler whose guards meet the handler itself."""

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """See `BaseRouteHandler.authorize_connection`, which copies the handler for each guard.

        Ours only read it, and the copy costs more than the guard.
        """
        for each in self.resolve_guards():
            await each(connection, self)  # type: ignore[misc]  # guards are made awaitable


Decorator = Callable[[Callable[..., Any]], HTTPRouteHandler]
Access = Permission | Public


def get(path: str, access: Access, **options: Any) -> Decorator:
    """Declare a route that reads."""
    return _route(HttpMethod.GET, path, access, options)


def post(path: str, access: Access, **options: Any) -> Decorator:
    """Declare a route that creates; it answers 201 unless `status_code` says otherwise."""
    return _route(HttpMethod.POST, path, access, options)


def put(path: str, access: Access, **options: Any) -> Decorator:
    """Declare a route that replaces."""
    return _route(HttpMethod.PUT, path, access, options)


def patch(path: str, access: Access, **options: Any) -> Decorator:
    """Declare a route that changes the fields that the body names."""
    return _route(HttpMethod.PATCH, path, access, options)


def delete(path: str, access: Access, **options: Any) -> Decorator:
    """Declare a route that removes; it answers 204 unless `status_code` says otherwise."""
    return _route(HttpMethod.DELETE, path, access, options)


def websocket(path: str, access: Public, **options: Any) -> Callable[..., WebsocketRouteHandler]:
    """Declare a WebSocket outside `/api/v1`; it authenticates itself once it is open."""
    opt = {**options.pop("opt", {}), "root": True, PUBLIC: access}
    return litestar.websocket(path, opt=opt, **options)


def _route(verb: HttpMethod, path: str, access: Access, options: dict[str, Any]) -> Decorator:
    def decorate(handler: Callable[..., Any]) -> HTTPRouteHandler:
        operation = operation_class_of(handler, verb, options.get("operation_class", Operation))
        described = {
            "tags": [group_of(path, root=bool(options.get("opt", {}).get("root")))],
            "summary": summary_of(handler.__name__),
            "operation_id": handler.__name__,
            "errors": [status for status in _ERRORS if status != _TOO_SLOW or verb in _WITH_BODY],
            **options,
            "operation_class": operation,
        }
        declare = _Handler(path, http_method=verb, **_with(access, described))
        # Probes are asked by programs that may add to the query what keeps caches away.
        strict = not options.get("opt", {}).get("root")
        return declare(bind(handler, path, strict=strict))

    return decorate


def _with(access: Access, options: dict[str, Any]) -> dict[str, Any]:
    opt = dict(options.pop("opt", {}))
    guards: list[Any] = []
    if isinstance(access, Public):
        opt[PUBLIC] = access
        if not opt.get("root"):
            guards.append(public_guard)
    else:
        opt[PERMISSION] = access
        guards.append(guard)
        options.setdefault("security", [{"bearer": []}, {"session": []}])
    errors: Sequence[int] = options.pop("errors")
    body = opt.get(ERROR_SCHEMA, ErrorBody)
    options["responses"] = {
        status: ResponseSpec(body, description=_ERRORS[status], generate_examples=False)
        for status in errors
    } | options.get("responses", {})
    return {**options, "opt": opt, "guards": guards, "request_class": PlainRequest}

"""The one place that turns errors into HTTP."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Response
from litestar.connection import Request
from litestar.enums import HttpMethod
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from tidemill.core.errors import (
    InvalidInput,
    NotFound,
    TidemillError,
    TooLarge,
    Unauthenticated,
)
from tidemill.http.answers import Answer
from tidemill.http.authentication import CONTEXT, SERVICES, Kit, RequestContext
from tidemill.http.bodies import ErrorBody, ErrorDetail
from tidemill.http.validation import of_message, of_parameters, of_undecodable

log = structlog.get_logger(__name__)

ERROR_BODY: Final = "tidemill.error_body"
"""Key of a route's `opt` with what gives the body of an error, where it is not ours."""
ERROR_CODE: Final = "x-tidemill-error-code"
_JSON: Final = "application/json"
_DECODER: Final = "litestar.serialization.msgspec_hooks"
_TOO_DEEP: Final = re.compile("while (?:de)?serializing an object$")
"""What msgspec says of nesting. What it could just decode may be too deep to be encoded again,
further down the stack; the stack's own end, by a mistake of ours, reads otherwise."""


class RouteNotFound(NotFound):
    """No route has this path."""

    code = "ROUTE_NOT_FOUND"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no {path}; /api/docs lists every route.")


class MethodNotAllowed(TidemillError):
    """The path exists and does not answer this method."""

    code = "METHOD_NOT_ALLOWED"
    type = "invalid_request_error"
    status = 405

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            f"{method} is not possible here. Possible: {allowed}.", headers={"Allow": allowed}
        )


class PreflightRefused(InvalidInput):
    """A browser asked whether another site may call, and that site, or its headers, may not."""

    code = "PREFLIGHT_REFUSED"

    def __init__(self) -> None:
        super().__init__(
            "This site may not call from a browser, or not with these headers; cors.origins names "
            "the sites that may.",
            param="Origin",
        )


class BodyTooLarge(TooLarge):
    """The request's body is over the limit of its route."""

    code = "BODY_TOO_LARGE"

    def __init__(self, bytes_max: int | None = None) -> None:
        limit = f" The limit is {bytes_max} bytes." if bytes_max else ""
        super().__init__(f"The body is too large.{limit}")


class InternalError(TidemillError):
    """Something broke in Tidemill; the log has the details under the request id."""

    code = "INTERNAL_ERROR"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"Something broke. Quote request {request_id} when you report it.")


def error_response(error: TidemillError) -> Response[ErrorBody]:
    """Return the answer to `error`."""
    detail = ErrorDetail(message=error.message, type=error.type, code=error.code, param=error.param)
    return Answer(
        ErrorBody(error=detail),
        status_code=error.status,
        headers=error.headers,
        media_type=_JSON,
    )


def handle_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer any exception in the one format, or in that of a route which speaks as others do."""
    named = as_tidemill_error(request, error)
    kit = request.app.state.get(SERVICES)
    if isinstance(kit, Kit):
        kit.refused.add(named.code)
    handler = request.scope.get("route_handler")
    body_of = handler.opt.get(ERROR_BODY) if handler is not None else None
    if body_of is None:
        return error_response(named)
    headers = {**named.headers, ERROR_CODE: named.code}
    return Answer(body_of(named), status_code=named.status, headers=headers, media_type=_JSON)


def as_tidemill_error(request: Request[Any, Any, Any], error: Exception) -> TidemillError:
    """Name any exception."""
    if isinstance(error, TidemillError):
        return error
    if isinstance(error, ValidationException):
        return of_parameters(error, request)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _client_error(error, request)
    if isinstance(error, RecursionError) and _TOO_DEEP.search(str(error)):
        return of_undecodable(error)
    if isinstance(error, UnicodeDecodeError) and _broke_in_decoding(error):
        return of_undecodable(error)
    context = request.scope.get(CONTEXT)
    request_id = context.request_id if isinstance(context, RequestContext) else "unknown"
    log.error("http.request.broke", request_id=request_id, exc_info=error)
    return InternalError(request_id)


def _broke_in_decoding(error: Exception) -> bool:
    """Return whether the decoder of bodies raised `error`: Litestar tells of its other failures."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == _DECODER


def _allowed(error: MethodNotAllowedException) -> str:
    methods = set((error.headers or {}).get("allow", "").split(", "))
    if HttpMethod.GET in methods:
        methods.add("HEAD")  # The edge answers it wherever there is GET.
    return ", ".join(sorted(methods))


def _client_error(error: HTTPException, request: Request[Any, Any, Any]) -> TidemillError:
    if isinstance(error, NotFoundException):
        return RouteNotFound(request.scope["path"])
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed(request.scope["method"], _allowed(error))
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return BodyTooLarge()
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return Unauthenticated(error.detail)
    if isinstance(error.__cause__, msgspec.ValidationError):
        return of_message(str(error.__cause__), request)
    return of_message(error.detail, request)

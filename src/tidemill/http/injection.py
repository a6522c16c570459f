"""Hands each handler what it asks for by name, without a task per request.

Litestar resolves two or more dependencies of a handler in a task group, which costs 70 µs a
request on the reference machine, as much as all the rest of its work. None of ours has to wait,
so the decorators of `routing` bind them here; Litestar sees only path, query and body.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, cast, get_origin, get_type_hints

from litestar.connection import Request
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from tidemill.http.idempotency import LaterIdempotency, idempotency, later_idempotency
from tidemill.http.parameters import Cursor, Limit, actor_of, expected_version, page
from tidemill.http.texts import check_address, check_body
from tidemill.http.validation import check_query

DEPENDENCIES: Final = "tidemill.dependencies"
"""Key of the application's state that holds the services by parameter name."""

Handler = Callable[..., Awaitable[Any]]
_Given = dict[str, Any]
_Resolve = Callable[[Request[Any, Any, Any], _Given], Any]


def _service(name: str) -> _Resolve:
    def resolve(request: Request[Any, Any, Any], given: _Given) -> Any:
        del given
        return request.app.state[DEPENDENCIES][name]

    return resolve


def _page_of(name: str) -> _Resolve:
    # A cursor of one list is none of another.
    return lambda _, given: page(given.pop("limit", None), given.pop("cursor", None), name)


_SHARED: Final[dict[str, _Resolve]] = {
    "actor": lambda request, _: actor_of(request),
    "expected_version": lambda request, _: expected_version(request),
}
_RESERVED: Final = frozenset({"request", "headers", "cookies", "scope", "socket", "state", "body"})
_LATER: Final = (LaterIdempotency, LaterIdempotency.__name__)
_PAGE_PARAMETERS: Final = {"limit": Limit, "cursor": Cursor}


def bind(handler: Handler, path: str, *, strict: bool = True) -> Handler:
    """Return `handler` with its services and shared parameters bound at each call.

    Shared by name: `actor: Actor`, `page: PageRequest` (adds the query parameters `limit` and
    `cursor`), `expected_version: int | None`, `idempotency: Idempotency`, or `LaterIdempotency`
    where the handler reads the body by itself. A parameter whose
    type is a class of Tidemill that is neither a Struct nor an enum is a service. A `strict` route
    refuses query parameters that it does not have.
    """
    hints = get_type_hints(handler, include_extras=True)
    plan: dict[str, _Resolve] = {}
    visible: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(handler).parameters.items():
        if name in _SHARED:
            plan[name] = _SHARED[name]
        elif name == "page":
            plan[name] = _page_of(handler.__name__)
        elif name == "idempotency":
            continue
        elif _is_service(hints[name]):
            plan[name] = _service(name)
        else:
            annotation = _marked(name, hints[name], in_path=f"{{{name}:" in path)
            visible[name] = parameter.replace(annotation=annotation)
    if "page" in plan:
        for name, annotation in _PAGE_PARAMETERS.items():
            visible[name] = _keyword(name, annotation, default=None)
    wants = frozenset({"request", "idempotency"} & set(hints))
    bound = _binding(handler, plan, wants, _query_names(visible, path) if strict else None)
    _describe(bound, handler, visible, hints.get("return"))
    return bound


def _binding(
    handler: Handler, plan: dict[str, _Resolve], wants: frozenset[str], query: list[str] | None
) -> Handler:
    steps = tuple(plan.items())
    reads_later = handler.__annotations__.get("idempotency") in _LATER
    pass_request, pass_key = "request" in wants, "idempotency" in wants
    takes_body = "data" in handler.__annotations__

    async def bound(request: Request[Any, Any, Any], **given: Any) -> Any:
        if query is not None and request.scope["query_string"]:
            check_query(request, query)
        check_address(request)
        if takes_body:
            check_body(await request.body())
        for name, resolve in steps:
            given[name] = resolve(request, given)
        if pass_key:
            given["idempotency"] = (
                later_idempotency(request) if reads_later else await idempotency(request)
            )
        if pass_request:
            given["request"] = request
        return await handler(**given)

    return bound


def _query_names(visible: Mapping[str, inspect.Parameter], path: str) -> list[str]:
    """Return what callers may write in the query."""
    return [
        next((one.name for one in marks if isinstance(one, QueryParameter) and one.name), name)
        for name, parameter in visible.items()
        for marks in [getattr(parameter.annotation, "__metadata__", ())]
        if name != "data" and name not in _RESERVED and f"{{{name}:" not in path
    ]


def _describe(
    bound: Handler, handler: Handler, visible: dict[str, inspect.Parameter], returns: Any
) -> None:
    # Without parameters of its type: each call looks whether it is one, which takes long with them.
    visible["request"] = _keyword("request", Request)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in visible.values()
    ]
    described = cast("Any", bound)
    described.__signature__ = inspect.Signature(parameters, return_annotation=returns)
    described.__annotations__ = {
        parameter.name: parameter.annotation for parameter in parameters
    } | {"return": returns}
    for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(bound, attribute, getattr(handler, attribute))


def _marked(name: str, annotation: Any, *, in_path: bool) -> Any:
    """Say where a parameter comes from, as Litestar 3 will demand."""
    if name in _RESERVED or get_origin(annotation) is Annotated:
        return annotation
    if name == "data":
        return cast("Any", JSONBody)[annotation]
    return cast("Any", FromPath if in_path else FromQuery)[annotation]


def _keyword(
    name: str, annotation: Any, *, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _is_service(annotation: Any) -> bool:
    return (
        inspect.isclass(annotation)
        and annotation.__module__.startswith("tidemill.")
        and not issubclass(annotation, (Struct, enum.Enum))
    )

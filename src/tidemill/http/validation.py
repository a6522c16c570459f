"""Says which field of a request is at fault, and what would be right."""

from __future__ import annotations

import difflib
import enum
import inspect
import re
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from litestar.connection import Request
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter
from msgspec import Struct
from msgspec.structs import fields

from tidemill.core.errors import InvalidInput
from tidemill.core.wording import field_of, in_plain_words, missing_in
from tidemill.http.raw_bodies import body_of, out_of_range_at

_UNKNOWN_FIELD: Final = re.compile(r"unknown field `([^`]*)`")
_MISSING_PARAMETER: Final = re.compile(r"^Missing required (\w+) parameter '([^']*)' for path ")
_ENUM: Final = re.compile(r"Invalid enum value '?([^']*)'?")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_name_chars_max: Final = 60
_NO_BODY: Final = ("'data'", "data")  # What Litestar says of a body that was not sent.
_MALFORMED: Final = re.compile(r"^(?:JSON is malformed: |Input data was |Invalid UTF-8)")
_TRUNCATED: Final = "truncated"
_BODY_KIND: Final = re.compile(r"^Expected `(\w+)`, got `(\w+)`\.?$")


class ValidationFailed(InvalidInput):
    """A parameter or a field of the body is missing, unknown or outside its limits."""

    code = "VALIDATION_FAILED"


def check_query(request: Request[Any, Any, Any], known: Collection[str]) -> None:
    """Raise `ValidationFailed` for a query parameter that the route does not have.

    A filter that is ignored in silence would answer with everything.
    """
    for name in request.query_params:
        if name not in known:
            told = _meant(name, known)
            text = f"{name[:_name_chars_max]} is not a query parameter of this route.{told}"
            raise ValidationFailed(text, param=name[:_name_chars_max])


def of_parameters(error: ValidationException, request: Request[Any, Any, Any]) -> ValidationFailed:
    """Return what is wrong with a path or query parameter, or with the body."""
    extra = error.extra
    missing = _MISSING_PARAMETER.match(error.detail)
    if missing is not None:
        kind, name = missing.groups()
        return ValidationFailed(f"{name} is missing; it is a {kind} parameter.", param=name)
    if not (isinstance(extra, list) and extra and isinstance(extra[0], dict)):
        return of_message(error.detail, request)
    message = str(extra[0].get("message", error.detail))
    key = extra[0].get("key")
    if not key or key == "data":
        return of_message(message, request)
    inner = field_of(message)
    if unknown := _UNKNOWN_FIELD.search(message):
        return _unknown(unknown[1], inner or str(key), request)
    if missing_field := missing_in(message):
        return ValidationFailed(f"{missing_field} is missing.", param=missing_field)
    param = inner or _name_in_query(str(key), request)
    return ValidationFailed(f"{param}: {_wording(message, inner or key, request)}", param=param)


def of_undecodable(error: UnicodeDecodeError | RecursionError) -> ValidationFailed:
    """Return what is wrong with a body that no JSON can be read from."""
    if isinstance(error, RecursionError):
        return ValidationFailed("The body is nested too deeply.")
    return ValidationFailed("The body is no valid JSON: a text in it is not UTF-8.")


def of_message(message: str, request: Request[Any, Any, Any]) -> ValidationFailed:
    """Return what msgspec's message says, in words for the caller."""
    if whole := _of_whole_body(message, request):
        return ValidationFailed(whole)
    field = field_of(message)
    if field and field.startswith("["):
        # It was read as JSON of no type, of which msgspec tells no names.
        field = out_of_range_at(body_of(request)) or field
    if unknown := _UNKNOWN_FIELD.search(message):
        return _unknown(unknown[1], field, request)
    if missing := missing_in(message):
        return ValidationFailed(f"{missing} is missing.", param=missing)
    text = _wording(message, field, request)
    return ValidationFailed(f"{field}: {text}" if field else text, param=field)


def _of_whole_body(message: str, request: Request[Any, Any, Any]) -> str | None:
    """Return what is wrong with the body as a whole, or None where a field is at fault."""
    if message in _NO_BODY:
        return "This request needs a body: a JSON object."
    if _MALFORMED.search(message):
        what = message.removeprefix("JSON is malformed: ").removeprefix("Input data was ")
        at = f" (it ends after byte {len(body_of(request))})" if what == _TRUNCATED else ""
        return f"The body is no valid JSON: {what.rstrip('.')}{at}."
    if kinds := _BODY_KIND.search(message):
        return f"The body must be JSON of type {kinds[1]}, and is of type {kinds[2]}."
    return None


def _name_in_query(key: str, request: Request[Any, Any, Any]) -> str:
    """Return what callers write for the handler's parameter `key`."""
    handler = request.scope.get("route_handler")
    parameters = handler.parsed_fn_signature.parameters if handler is not None else {}
    declared = getattr(parameters.get(key), "kwarg_definition", None)
    return declared.name or key if isinstance(declared, QueryParameter) else key


def _unknown(name: str, field: str | None, request: Request[Any, Any, Any]) -> ValidationFailed:
    """Return what is wrong with a body that has `name` at `field`, or at its top."""
    short = name[:_name_chars_max]
    param = f"{field}.{short}" if field else short
    told = _meant(short, _names_of(request, field))
    return ValidationFailed(f"{param} is not a field of this body.{told}", param=param)


def _meant(name: str, known: Collection[str]) -> str:
    """Return a sentence with what is nearest to `name`, or nothing where nothing is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _wording(message: str, field: str | None, request: Request[Any, Any, Any]) -> str:
    match = _ENUM.search(message)
    choices = list(_choices(request, field)) if match and field else []
    if match and choices:
        return f"{match[1]!r} is not one of {', '.join(choices)}."
    return in_plain_words(message)


def _choices(request: Request[Any, Any, Any], field: str) -> Iterator[str]:
    """Yield the values that the enum behind a field has."""
    for one in _classes_at(request, field):
        if inspect.isclass(one) and issubclass(one, enum.Enum):
            offered = getattr(one, "offered", None)
            yield from (str(member.value) for member in (offered() if offered else one))


def _names_of(request: Request[Any, Any, Any], field: str | None) -> list[str]:
    """Return the names that the object behind a field takes, or those of the body itself."""
    return [
        one.encode_name
        for kind in _classes_at(request, field)
        if inspect.isclass(kind) and issubclass(kind, Struct)
        for one in fields(kind)
    ]


def _classes_at(request: Request[Any, Any, Any], field: str | None) -> Iterator[Any]:
    """Yield the classes that the value of a field may have; without one, those of the body."""
    handler = request.scope.get("route_handler")
    if handler is None:
        return
    names = _INDEX.sub("", field).split(".") if field else []
    hints = handler.parsed_fn_signature.parameters
    if names and names[0] in hints:
        found = [hints[names.pop(0)].annotation]
    else:
        found = [hints["data"].annotation] if "data" in hints else []
    for name in names:
        found = [
            get_type_hints(one, include_extras=True)[name]
            for kind in found
            for one in _parts(kind)
            if inspect.isclass(one) and issubclass(one, Struct) and name in one.__struct_fields__
        ]
    for kind in found:
        yield from _parts(kind)


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the classes that an annotation is made of."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _parts(get_args(kind)[0])
    elif origin in {Union, types.UnionType, list, tuple, dict, Sequence}:
        for argument in get_args(kind):
            yield from _parts(argument)
    else:
        yield kind

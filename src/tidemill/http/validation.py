"""Says which field of a request is at fault, and what would be right."""

from __future__ import annotations

import difflib
import enum
import inspect
import re
import types
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from litestar.connection import Request
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter
from msgspec import Struct

from tidemill.core.errors import InvalidInput

_FIELD: Final = re.compile(r" - at `\$\.?([^`]*)`")
_UNKNOWN_FIELD: Final = re.compile(r"unknown field `([^`]*)`")
_MISSING_FIELD: Final = re.compile(r"missing required field `([^`]*)`")
_MISSING_PARAMETER: Final = re.compile(r"^Missing required (\w+) parameter '([^']*)' for path ")
_ENUM: Final = re.compile(r"Invalid enum value '?([^']*)'?")
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_name_chars_max: Final = 60
_NO_BODY: Final = ("'data'", "data")  # What Litestar says of a body that was not sent.
_MALFORMED: Final = re.compile(r"^(?:JSON is malformed: |Input data was |Invalid UTF-8)")
_BODY_KIND: Final = re.compile(r"^Expected `(\w+)`, got `(\w+)`\.?$")
# What msgspec calls by Python's or JSON's names, as people call it.
_KINDS: Final = re.compile(r"`(\w+)(?: \| null)?`")
_KIND_NAMES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_INSTANT: Final = "Invalid RFC3339 encoded datetime"
_INSTANT_WANTED: Final = "Expected an instant with its zone, such as 2026-01-31T12:00:00Z."
_WORDINGS: Final = {
    _UNKNOWN_FIELD: "{} is not a field of this body.",
    _MISSING_FIELD: "{} is missing.",
}


class ValidationFailed(InvalidInput):
    """A parameter or a field of the body is missing, unknown or outside its limits."""

    code = "VALIDATION_FAILED"


def check_query(request: Request[Any, Any, Any], known: Collection[str]) -> None:
    """Raise `ValidationFailed` for a query parameter that the route does not have.

    A filter that is ignored in silence would answer with everything.
    """
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            told = f" Did you mean {near[0]}?" if near else ""
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
    inner = _field(message)
    param = inner or _name_in_query(str(key), request)
    return ValidationFailed(f"{param}: {_wording(message, inner or key, request)}", param=param)


def of_undecodable(error: UnicodeDecodeError | RecursionError) -> ValidationFailed:
    """Return what is wrong with a body that no JSON can be read from."""
    if isinstance(error, RecursionError):
        return ValidationFailed("The body is nested too deeply.")
    return ValidationFailed("The body is no valid JSON: a text in it is not UTF-8.")


def of_message(message: str, request: Request[Any, Any, Any]) -> ValidationFailed:
    """Return what msgspec's message says, in words for the caller."""
    if whole := _of_whole_body(message):
        return ValidationFailed(whole)
    for pattern, wording in _WORDINGS.items():
        if match := pattern.search(message):
            inner = _field(message)
            param = f"{inner}.{match[1]}" if inner else match[1]
            return ValidationFailed(wording.format(param), param=param)
    field = _field(message)
    text = _wording(message, field, request)
    return ValidationFailed(f"{field}: {text}" if field else text, param=field)


def _of_whole_body(message: str) -> str | None:
    """Return what is wrong with the body as a whole, or None where a field is at fault."""
    if message in _NO_BODY:
        return "This request needs a body: a JSON object."
    if _MALFORMED.search(message):
        what = message.removeprefix("JSON is malformed: ").removeprefix("Input data was ")
        return f"The body is no valid JSON: {what.rstrip('.')}."
    if kinds := _BODY_KIND.search(message):
        return f"The body must be JSON of type {kinds[1]}, and is of type {kinds[2]}."
    return None


def _name_in_query(key: str, request: Request[Any, Any, Any]) -> str:
    """Return what callers write for the handler's parameter `key`."""
    handler = request.scope.get("route_handler")
    parameters = handler.parsed_fn_signature.parameters if handler is not None else {}
    declared = getattr(parameters.get(key), "kwarg_definition", None)
    return declared.name or key if isinstance(declared, QueryParameter) else key


def _wording(message: str, field: str | None, request: Request[Any, Any, Any]) -> str:
    match = _ENUM.search(message)
    choices = list(_choices(request, field)) if match and field else []
    if match and choices:
        return f"{match[1]!r} is not one of {', '.join(choices)}."
    if message.startswith(_INSTANT):
        return _INSTANT_WANTED
    text = _FIELD.sub("", message).removeprefix("Object contains ").strip()
    text = _KINDS.sub(lambda kinds: _KIND_NAMES.get(kinds[1], kinds[1]), text)
    return text if text.endswith(".") else f"{text}."


def _field(message: str) -> str | None:
    match = _FIELD.search(message)
    return match[1] or None if match else None


def _choices(request: Request[Any, Any, Any], field: str) -> Iterator[str]:
    """Yield the values that the enum behind a field has."""
    handler = request.scope.get("route_handler")
    if handler is None:
        return
    names = _INDEX.sub("", field).split(".")
    hints = handler.parsed_fn_signature.parameters
    if names[0] in hints:
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
        for one in _parts(kind):
            if inspect.isclass(one) and issubclass(one, enum.Enum):
                yield from (str(member.value) for member in one)


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the classes that an annotation is made of."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _parts(get_args(kind)[0])
    elif origin in {Union, types.UnionType, list, tuple, dict}:
        for argument in get_args(kind):
            yield from _parts(argument)
    else:
        yield kind

"""Refuses the one character that not every database can keep, and says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar.connection import Request

from tidemill.http.validation import ValidationFailed

_NUL: Final = "\0"
# As JSON writes it: in no other way, since JSON holds no control characters as they are.
_ESCAPED: Final = b"\\u0000"
_ENCODED: Final = b"%00"
_path_chars_max: Final = 200


def check_address(request: Request[Any, Any, Any]) -> None:
    """Raise `ValidationFailed` for a parameter of path or query with U+0000."""
    if _NUL in request.scope["path"]:
        for name, value in request.path_params.items():
            if _NUL in str(value):
                raise _refused(name)
    if _ENCODED in request.scope["query_string"]:
        for name, value in request.query_params.multi_items():
            if _NUL in value:
                raise _refused(name)


def check_body(body: bytes) -> None:
    """Raise `ValidationFailed` for a text with U+0000 anywhere in a JSON body."""
    if _ESCAPED in body:
        # What stands behind an escaped backslash is no character.
        check_document(msgspec.json.decode(body))


def check_document(document: Any, *, name: str = "") -> None:
    """Raise `ValidationFailed` for a text with U+0000 anywhere in what JSON held, called `name`."""
    where = _place_in(document, name)
    if where is not None:
        raise _refused(where)


def _place_in(document: Any, root: str) -> str | None:
    """Return the path of the first text with U+0000; takes memory for the depth alone."""
    names: list[str] = []
    walks: list[Iterator[tuple[str, Any]]] = [iter(((root, document),))]
    while walks:
        for name, value in walks[-1]:
            if _NUL in name:
                return _path(names)
            if isinstance(value, str) and _NUL in value:
                return _path([*names, name])
            if isinstance(value, dict | list):
                names.append(name)
                walks.append(_members(value))
                break
        else:
            walks.pop()
            del names[-1:]
    return None


def _members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    return iter(value.items()) if isinstance(value, dict) else (("", each) for each in value)


def _path(names: list[str]) -> str:
    return ".".join(name for name in names if name)[:_path_chars_max] or "body"


def _refused(param: str) -> ValidationFailed:
    return ValidationFailed(f"{param}: text may not hold the character U+0000.", param=param)

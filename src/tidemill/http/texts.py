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
        for where in _holding(msgspec.json.decode(body), ""):
            raise _refused(where)


def _holding(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str):
        if _NUL in value:
            yield where or "body"
    elif isinstance(value, dict):
        for key, inner in value.items():
            if _NUL in key:
                yield where or "body"
            yield from _holding(inner, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _holding(inner, where)


def _refused(param: str) -> ValidationFailed:
    return ValidationFailed(f"{param}: text may not hold the character U+0000.", param=param)

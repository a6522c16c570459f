"""Looks into a body that was refused, for where it is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from litestar.connection import Request
from litestar.utils.scope.state import ScopeState

_path_chars_max: Final = 200


def body_of(request: Request[Any, Any, Any]) -> bytes:
    """Return the bytes of the body that were read; none where it was not read as a whole."""
    body = ScopeState.from_scope(request.scope).body
    return body if isinstance(body, bytes | bytearray) else b""


def out_of_range_at(body: bytes) -> str | None:
    """Return where JSON has its first number that no float can hold, such as `args.levels[0]`."""
    try:
        return next(_infinite(json.loads(body), []), None)
    except (ValueError, RecursionError):
        return None


def _infinite(value: Any, path: list[str]) -> Iterator[str]:
    # One path for all levels: a text for each would take the depth times the length of names.
    # `texts` walks by itself: it looks at names, too, goes to any depth, and names no index in its
    # paths, so that one walk for both would be longer than the two.
    if isinstance(value, float) and math.isinf(value):
        yield "".join(path).removeprefix(".")[:_path_chars_max]
    elif isinstance(value, dict):
        for name, inner in value.items():
            path.append(f".{name}")
            yield from _infinite(inner, path)
            path.pop()
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            path.append(f"[{index}]")
            yield from _infinite(inner, path)
            path.pop()

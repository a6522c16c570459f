"""Looks into a body that was refused, for where it is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from litestar.connection import Request
from litestar.utils.scope.state import ScopeState


def body_of(request: Request[Any, Any, Any]) -> bytes:
    """Return the bytes of the body that were read; none where it was not read as a whole."""
    body = ScopeState.from_scope(request.scope).body
    return body if isinstance(body, bytes | bytearray) else b""


def out_of_range_at(body: bytes) -> str | None:
    """Return where JSON has its first number that no float can hold, such as `args.levels[0]`."""
    try:
        return next(_infinite(json.loads(body), ""), None)
    except (ValueError, RecursionError):
        return None


def _infinite(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, float) and math.isinf(value):
        yield where
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _infinite(inner, f"{where}.{name}" if where else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _infinite(inner, f"{where}[{index}]")

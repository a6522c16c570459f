"""What a job may return, whichever worker runs it; no I/O."""

from __future__ import annotations

import re
from typing import Final

result_levels_max: Final = 500
"""How deep the lists and objects of a result may lie within each other.

Who reads it has a stack of its own, on which handlers and facts add a few levels.
"""
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


def is_too_deep(result: bytes) -> bool:
    """Return whether JSON is nested deeper than everybody can read."""
    # What is shorter than that cannot be, and most results are.
    if len(result) <= result_levels_max:
        return False
    if result.count(b"[") + result.count(b"{") <= result_levels_max:
        return False
    left = _STRING.sub(b"", result).translate(_BRACKETS, _OTHERS)
    for _ in range(result_levels_max):
        left = left.replace(b"[]", b"")
        if not left:
            return False
    return True

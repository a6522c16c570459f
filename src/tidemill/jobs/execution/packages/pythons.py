"""Whether a Python is one that a script asks for (`requires-python`); no I/O."""

from __future__ import annotations

import re
from typing import Final

_CLAUSE: Final = re.compile(r"(===|~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?")
_least_parts: Final = 2
Version = tuple[int, ...]


class BadRequirement(ValueError):
    """A text is no list of versions."""


def meets(requirement: str, version: Version) -> bool:
    """Return whether `version` is one of `requirement`, such as `>=3.11,<3.14`.

    Raises `BadRequirement`.
    """
    held = [_holds(clause, version) for clause in requirement.split(",") if clause.strip()]
    return all(held)


def _holds(clause: str, version: Version) -> bool:
    match = _CLAUSE.fullmatch(clause.strip())
    if match is None:
        raise BadRequirement(clause.strip())
    sign, wanted = match[1], tuple(map(int, match[2].split(".")))
    if match[3]:
        if sign not in {"==", "!="}:
            raise BadRequirement(clause.strip())
        return (version[: len(wanted)] == wanted) == (sign == "==")
    order = _compared(version, wanted)
    if sign == "~=":
        if len(wanted) < _least_parts:
            raise BadRequirement(clause.strip())
        return version[: len(wanted) - 1] == wanted[:-1] and order >= 0
    return {
        "==": order == 0,
        "===": order == 0,
        "!=": order != 0,
        "<=": order <= 0,
        ">=": order >= 0,
        "<": order < 0,
        ">": order > 0,
    }[sign]


def _compared(left: Version, right: Version) -> int:
    length = max(len(left), len(right))
    one, other = (part + (0,) * (length - len(part)) for part in (left, right))
    return (one > other) - (one < other)

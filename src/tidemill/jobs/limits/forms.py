"""Whether the values of a limit have the types that its fields declare; no I/O."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args, get_origin

from msgspec import Struct, structs

from tidemill.jobs.errors import InvalidJobField

_WORDS: Final = {
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a tuple of texts",
}


def check_forms(rule: Struct, *, where: str) -> None:
    """Raise `InvalidJobField` with the first value of another type than its field has."""
    for name, kinds in _kinds_of(type(rule)):
        value = getattr(rule, name)
        # True counts as 1 in Python, and nobody means it as a number.
        if isinstance(value, bool) or not isinstance(value, kinds):
            expected = _WORDS.get(kinds[0], f"a tidemill.{kinds[0].__name__}")
            raise InvalidJobField(f"{where}.{name}", f"{expected}, not {value!r}")
        if isinstance(value, tuple | list) and not all(isinstance(one, str) for one in value):
            raise InvalidJobField(f"{where}.{name}", f"{_WORDS[tuple]}, not {value!r}")
        if isinstance(value, Struct):
            check_forms(value, where=f"{where}.{name}")


@cache
def _kinds_of(rule: type[Struct]) -> tuple[tuple[str, tuple[type, ...]], ...]:
    """Return the name of each field and what it takes, first what it is meant for."""
    return tuple((field.name, _taken(field.type)) for field in structs.fields(rule))


def _taken(kind: Any) -> tuple[type, ...]:
    if get_origin(kind) is tuple:
        # A list says the same, and whoever writes one means no other.
        return (tuple, list)
    kinds: tuple[type, ...] = get_args(kind) or (kind,)
    return (*kinds, int) if float in kinds else kinds

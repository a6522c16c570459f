"""Keys of limits: text with places for arguments; no I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limit_errors import LimitKeyUnclear

template_chars_max: Final = 200
key_chars_max: Final = 200
_kept_chars: Final = 120
_PLACE: Final = re.compile(r"\{args((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\}")
_EXPECTED: Final = (
    f"1 to {template_chars_max} characters in which braces hold the names of arguments only, "
    'such as "customer-{args.customer_id}"'
)


def check_template(template: str, *, param: str) -> None:
    """Raise `InvalidJobField` when `template` cannot be the key of a limit."""
    rest = _PLACE.sub("", template)
    is_wrong = not template.strip() or len(template) > template_chars_max
    if is_wrong or "{" in rest or "}" in rest or not template.isprintable():
        raise InvalidJobField(param, _EXPECTED)


def arguments_in(template: str) -> Iterator[str]:
    """Give the names of the arguments that `template` needs."""
    for _, names in _places(template):
        if names:
            yield names[0]


def render(template: str, args: Mapping[str, Any], *, param: str) -> str:
    """Return the key for `args`. Raises `LimitKeyUnclear` when they lack a place's value.

    A long key is cut, and ends in a digest of all of it.
    """
    text = "".join(
        before + (_value(args, names, param) if names else "")
        for before, names in _places(template)
    )
    if len(text) <= key_chars_max and text.isprintable():
        return text
    shown = "".join(character for character in text[:_kept_chars] if character.isprintable())
    return f"{shown}…{hashlib.sha256(text.encode()).hexdigest()}"


def digest(*parts: object) -> str:
    """Return a key for values of JSON, whatever the order of their members."""
    text = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(text).hexdigest()


def _value(args: Mapping[str, Any], names: tuple[str, ...], param: str) -> str:
    value: Any = args
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            raise LimitKeyUnclear(param, f"the arguments have no {'.'.join(names)}")
        value = value[name]
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float) or value is None:
        return msgspec.json.encode(value).decode()
    raise LimitKeyUnclear(param, f"{'.'.join(names)} is no text, number or truth value")


@lru_cache(maxsize=1024)
def _places(template: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the text before each place and the names in it; the last one has no names."""
    found, end = [], 0
    for match in _PLACE.finditer(template):
        names = tuple(match[1].removeprefix(".").split("."))
        found.append((template[end : match.start()], names))
        end = match.end()
    return (*found, (template[end:], ()))

"""From the texts of variables and options, and the data of TOML and JSON, to typed values."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tidemill.core.config.about import Annotation

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})


class BadValue(ValueError):
    """A value is not what its key takes; the message says in words what would be right."""


class Kind(Struct, frozen=True, kw_only=True):
    """The type and the limits of a key's values."""

    type: Any
    ge: float | None = None
    le: float | None = None
    max_length: int | None = None

    @property
    def is_list(self) -> bool:
        """Return whether the values are lists of texts."""
        return bool(self.type == tuple[str, ...])

    @property
    def is_choice(self) -> bool:
        """Return whether the values are words from a list."""
        return isinstance(self.type, type) and issubclass(self.type, StrEnum)

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the words to choose from; empty when it is no choice."""
        return tuple(choice.value for choice in self.type) if self.is_choice else ()

    @property
    def expected(self) -> str:
        """Return in words what a value must be."""
        if self.is_choice:
            return "one of " + ", ".join(self.choices)
        if self.is_list:
            return "a list of texts"
        if self.type is bool:
            return "true or false"
        if self.type is str:
            limit = f" of at most {self.max_length} characters" if self.max_length else ""
            return f"a text{limit}"
        noun = "a whole number" if self.type is int else "a number"
        return f"{noun} from {_plain(self.ge)} to {_plain(self.le)}"


def kind_of(type_: object, annotation: Annotation) -> Kind:
    """Return the kind of a key's type with the limits of its annotation."""
    return Kind(type=type_, ge=annotation.ge, le=annotation.le, max_length=annotation.max_length)


def from_text(kind: Kind, text: str) -> Any:
    """Return the value that a variable or an option stands for. Raises `BadValue`."""
    stripped = text.strip()
    if kind.is_list:
        return typed(kind, [part.strip() for part in stripped.split(",") if part.strip()])
    if kind.type is bool:
        return typed(kind, _flag(stripped))
    if kind.type in (int, float):
        return typed(kind, _number(kind, stripped))
    if kind.is_choice:
        return typed(kind, stripped)
    return typed(kind, text)


def typed(kind: Kind, value: object) -> Any:
    """Return a value of TOML or JSON as the key's type, within its limits. Raises `BadValue`."""
    if kind.is_choice:
        return _choice(kind, value)
    if kind.is_list:
        return _texts(kind, value)
    if kind.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind.type:
        raise BadValue(kind.expected)
    if isinstance(value, str):
        return _text(kind, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _within(kind, value)
    return value


def _choice(kind: Kind, value: object) -> Any:
    if isinstance(value, str):
        for choice in kind.type:
            if choice.value.lower() == value.lower():
                return choice
    raise BadValue(kind.expected)


def _texts(kind: Kind, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise BadValue(kind.expected)
    return tuple(_text(kind, part) for part in value)


def _text(kind: Kind, value: str) -> str:
    if "\x00" in value or (kind.max_length is not None and len(value) > kind.max_length):
        raise BadValue(kind.expected)
    return value


def _within(kind: Kind, value: float) -> None:
    # NaN is within no limits: both comparisons are false for it.
    low = kind.ge is None or value >= kind.ge
    high = kind.le is None or value <= kind.le
    if not (low and high):
        raise BadValue(kind.expected)


def _flag(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise BadValue("true or false")


def _number(kind: Kind, text: str) -> float:
    try:
        return int(text) if kind.type is int else float(text)
    except ValueError as error:
        raise BadValue(kind.expected) from error


def _plain(limit: float | None) -> str:
    if limit is None:
        return "any"
    return str(int(limit)) if float(limit).is_integer() else str(limit)

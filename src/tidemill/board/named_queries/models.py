"""What a named query is, takes and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tidemill.board.errors import shown
from tidemill.board.query_errors import InvalidQueryParameter, nearest
from tidemill.board.quoting import plain
from tidemill.core.clock import MICROSECONDS_PER_SECOND

rows_default: Final = 50
rows_max: Final = 200
milliseconds_max: Final = 2_000
days_max: Final = 365
text_chars_max: Final = 200
_reference_chars_max: Final = 64


class ParameterKind(StrEnum):
    """What the values of a parameter are."""

    PROJECT = "a project's key or id"
    ITEM = "an item's key or id"
    DAYS = "a whole number of days, 1 to 365"


class ColumnKind(StrEnum):
    """What stands in a column of an answer."""

    KEY = "key"
    WORD = "word"
    NUMBER = "number"
    DAY = "day"
    INSTANT = "instant"
    USER_TEXT = "user_text"


class Parameter(Struct, frozen=True, kw_only=True):
    """A value that a query takes; without a `default` it must be given."""

    name: str
    kind: ParameterKind
    summary: str
    default: int | None = None


class Column(Struct, frozen=True, kw_only=True):
    """A column of an answer."""

    name: str
    kind: ColumnKind


class NamedQuery(Struct, frozen=True, kw_only=True):
    """A statement that reads of these `tables` alone."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    tables: frozenset[str]
    sql: str


class Answer(Struct, frozen=True, kw_only=True):
    """The rows of an answer, each with a value for each column."""

    query: NamedQuery
    rows: Sequence[Sequence[str | int | None]]
    has_more: bool


def checked(query: NamedQuery, given: Mapping[str, str | int]) -> dict[str, str | int]:
    """Return a value for each parameter; raises `InvalidQueryParameter` for the first wrong one."""
    known = [parameter.name for parameter in query.parameters]
    for name in given:
        if name not in known:
            raise InvalidQueryParameter(
                name[:_reference_chars_max],
                f"{query.name} has no parameter {shown(name)}. {nearest(name, known)}",
            )
    return {parameter.name: _value(parameter, given) for parameter in query.parameters}


def _value(parameter: Parameter, given: Mapping[str, str | int]) -> str | int:
    value = given.get(parameter.name, parameter.default)
    if value is None:
        raise InvalidQueryParameter(
            parameter.name, f"Give {parameter.name}: {parameter.kind.value}."
        )
    if parameter.kind is ParameterKind.DAYS:
        fits = isinstance(value, int) and 1 <= value <= days_max
    else:
        fits = isinstance(value, str) and 1 <= len(value) <= _reference_chars_max
    if not fits:
        raise InvalidQueryParameter(
            parameter.name, f"{parameter.name} must be {parameter.kind.value}."
        )
    return value


def told(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> list[list[str | int | None]]:
    """Return rows as they are told: instants in seconds, texts of people without traps."""
    return [
        [_told(column.kind, value) for column, value in zip(columns, row, strict=True)]
        for row in rows
    ]


def _told(kind: ColumnKind, value: Any) -> str | int | None:
    if value is None:
        return None
    if kind is ColumnKind.INSTANT:
        return int(value) // MICROSECONDS_PER_SECOND
    if kind is ColumnKind.NUMBER:
        return int(value)
    if kind is ColumnKind.USER_TEXT:
        return plain(value, chars_max=text_chars_max)
    return str(value)

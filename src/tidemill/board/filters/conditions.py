"""What a filter asks of an item, once names are ids and dates are instants.

Columns are named as in `COLUMNS` of the compiler; a condition is either true or false of an item,
also where the item has nothing in that column.
"""

from __future__ import annotations

from msgspec import Struct


class OneOf(Struct, frozen=True):
    """The column holds one of these; no value at all holds of nothing."""

    column: str
    values: tuple[str | int, ...]


class Within(Struct, frozen=True):
    """The column is at least `low` and less than `high`; None is no bound on that side."""

    column: str
    low: int | str | None
    high: int | str | None


class Bears(Struct, frozen=True):
    """The item bears one of these labels."""

    label_ids: tuple[str, ...]


class InField(Struct, frozen=True):
    """The item has a value in one of these custom fields.

    It is one of `values`, at least `low` and less than `high`, each where that is not None.
    Numbers are compared in millionths.
    """

    field_ids: tuple[str, ...]
    values: tuple[str | int, ...] | None = None
    low: int | str | None = None
    high: int | str | None = None


class Missing(Struct, frozen=True):
    """The column holds nothing."""

    column: str


class Matches(Struct, frozen=True):
    """The words stand one behind the other in a text; `is_prefix`: the last is a beginning."""

    column: str
    words: tuple[str, ...]
    is_prefix: bool


class Negated(Struct, frozen=True):
    """What does not hold."""

    condition: Condition


class AllOf(Struct, frozen=True):
    """All hold; of none, that is true."""

    conditions: tuple[Condition, ...]


class AnyOf(Struct, frozen=True):
    """One holds; of none, that is false."""

    conditions: tuple[Condition, ...]


ARCHIVED_AT = "archived_at"

Condition = OneOf | Within | Bears | InField | Missing | Matches | Negated | AllOf | AnyOf


def asks_for_archived(condition: Condition) -> bool:
    """Return whether a condition speaks of archived items; who does not wants none of them."""
    match condition:
        case AllOf() | AnyOf():
            return any(map(asks_for_archived, condition.conditions))
        case Negated():
            return asks_for_archived(condition.condition)
        case Within():
            return condition.column == ARCHIVED_AT
        case _:
            return False

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


Condition = OneOf | Within | Bears | Missing | Matches | Negated | AllOf | AnyOf

"""Says of one item whether a condition holds, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tidemill.board.custom_fields.values import held, ordinal
from tidemill.board.filters.conditions import (
    AllOf,
    AnyOf,
    Bears,
    Condition,
    InField,
    Matches,
    Missing,
    Negated,
    OneOf,
    Within,
)
from tidemill.board.filters.words import stands_in

_TEXTS: Final = {"title": ("title",), "text": ("title", "description")}


def holds(condition: Condition, item: Any) -> bool:  # noqa: PLR0911 - one for each kind
    """Return whether `condition` is true of `item`, a value with the columns as attributes."""
    match condition:
        case AllOf():
            return all(holds(one, item) for one in condition.conditions)
        case AnyOf():
            return any(holds(one, item) for one in condition.conditions)
        case Negated():
            return not holds(condition.condition, item)
        case Bears():
            return not set(condition.label_ids).isdisjoint(item.label_ids.split(","))
        case InField():
            return any(_in_field(condition, at) for at in _held(condition, item))
        case Missing():
            return getattr(item, condition.column) in {None, ()}
        case OneOf():
            return getattr(item, condition.column) in condition.values
        case Within():
            return _within(condition, getattr(item, condition.column))
        case Matches():
            return any(
                stands_in(text, condition.words, is_prefix=condition.is_prefix)
                for text in _texts(condition, item)
            )


def _texts(condition: Matches, item: Any) -> Iterator[str]:
    if condition.column == "comments":
        yield from item.comments
    else:
        yield from (getattr(item, column) or "" for column in _TEXTS[condition.column])


def _held(condition: InField, item: Any) -> Iterator[int | str]:
    for field_id, one in held(item.custom_values).items():
        if field_id in condition.field_ids:
            yield ordinal(one.field_type, one.value)


def _in_field(condition: InField, at: Any) -> bool:
    if condition.values is not None and at not in condition.values:
        return False
    if condition.low is not None and at < condition.low:
        return False
    return condition.high is None or bool(at < condition.high)


def _within(condition: Within, value: Any) -> bool:
    if value is None:
        return False
    if condition.low is not None and value < condition.low:
        return False
    return condition.high is None or bool(value < condition.high)

"""Turns what filters say of custom fields into conditions.

A key may name fields of several projects: each of them reads the words in its own way, and what
none can read is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import structs

from tidemill.board.custom_fields.models import CustomField, FieldType
from tidemill.board.custom_fields.values import millionths, number, ordinal
from tidemill.board.errors import shown
from tidemill.board.filter_errors import InvalidFilter, unknown
from tidemill.board.filters.conditions import AnyOf, Condition, InField, Negated
from tidemill.board.filters.fields import NONE
from tidemill.board.filters.models import Comparison, Operator, Span, Word
from tidemill.board.filters.moments import day, day_ends
from tidemill.board.filters.scopes import Scope

_COMPARED: Final = (FieldType.NUMBER, FieldType.DATE)
Read = Callable[[CustomField], InField]


def custom_condition(key: str, node: Comparison, scope: Scope) -> Condition:
    """Return what a comparison asks of a custom field; raises `InvalidFilter`."""
    fields = custom_fields(key, scope, at=node.field.at)
    conditions = [_value(fields, node.operator, value, scope) for value in node.values]
    inside = [one for one in conditions if isinstance(one, InField)]
    if len(inside) == len(conditions):
        conditions = list(_with_values_together(inside))
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def filled(key: str, scope: Scope, *, at: int) -> InField:
    """Return that an item has something in a custom field; raises `InvalidFilter`."""
    return InField(tuple(field.id for field in custom_fields(key, scope, at=at)))


def custom_fields(key: str, scope: Scope, *, at: int) -> Sequence[CustomField]:
    """Return the fields with a key; raises `InvalidFilter` where there are none."""
    found = scope.names.custom_fields(key)
    if not found:
        raise InvalidFilter(at, f"There is no custom field {shown(key)}.")
    return found


def ordered_fields(key: str, scope: Scope, *, at: int) -> tuple[FieldType, tuple[str, ...]]:
    """Return the type of the fields with a key, by which a list can be sorted, and their ids.

    Raises `InvalidFilter` where they have no order, or are of several types.
    """
    fields = custom_fields(key, scope, at=at)
    types = {field.field_type for field in fields}
    if len(types) > 1:
        raise InvalidFilter(at, f"cf.{key} has another type in another project: it has no order.")
    [type_] = types
    if type_ not in _COMPARED:
        raise InvalidFilter(at, f"cf.{key} has no order: number and date fields have one.")
    return type_, tuple(field.id for field in fields)


def _value(
    fields: Sequence[CustomField], operator: Operator, value: Word | Span, scope: Scope
) -> Condition:
    if isinstance(value, Span):
        return _read_by(fields, lambda field: _span(field, value, scope))
    if operator is not Operator.IS:
        return _read_by(fields, lambda field: _compared(field, operator, value, scope))
    if value.text.lower() == NONE and not value.is_quoted:
        return Negated(InField(tuple(field.id for field in fields)))
    return _read_by(fields, lambda field: _is(field, value, scope))


def _read_by(fields: Sequence[CustomField], read: Read) -> Condition:
    conditions: list[InField] = []
    problems: list[InvalidFilter] = []
    for field in fields:
        try:
            conditions.append(read(field))
        except InvalidFilter as problem:
            problems.append(problem)
    if not conditions:
        raise problems[0]
    joined = list(_with_fields_together(conditions))
    return joined[0] if len(joined) == 1 else AnyOf(tuple(joined))


def _is(field: CustomField, word: Word, scope: Scope) -> InField:
    match field.field_type:
        case FieldType.NUMBER:
            return InField((field.id,), values=(_number(word),))
        case FieldType.DATE:
            low, high = day_ends(day(word, scope.now, scope.zone))
            return InField((field.id,), low=low, high=high)
        case FieldType.CHOICE:
            return InField((field.id,), values=(_choice(field, word),))
        case FieldType.USER:
            return InField((field.id,), values=scope.people(word))
        case _:
            text = " ".join(word.text.split())
            return InField((field.id,), values=(ordinal(field.field_type, text),))


def _compared(field: CustomField, operator: Operator, word: Word, scope: Scope) -> InField:
    if field.field_type not in _COMPARED:
        raise InvalidFilter(
            word.at,
            f"cf.{field.key} has no order, so {operator} says nothing. Write cf.{field.key}:.",
        )
    start, end = _ends(field, word, scope)
    bounds = {
        Operator.LESS: (None, start),
        Operator.AT_MOST: (None, end),
        Operator.MORE: (end, None),
        Operator.AT_LEAST: (start, None),
    }
    low, high = bounds[operator]
    return InField((field.id,), low=low, high=high)


def _span(field: CustomField, span: Span, scope: Scope) -> InField:
    if field.field_type not in _COMPARED:
        # Only what has an order has ranges; the dots stand in a text or a link.
        low, high = (end.text if end else "" for end in (span.low, span.high))
        ends = [end for end in (span.low, span.high) if end is not None]
        return _is(field, Word(f"{low}..{high}", at=ends[0].at), scope)
    return InField(
        (field.id,),
        low=_ends(field, span.low, scope)[0] if span.low else None,
        high=_ends(field, span.high, scope)[1] if span.high else None,
    )


def _ends(field: CustomField, word: Word, scope: Scope) -> tuple[int | str, int | str]:
    """Return where what `word` means begins, and where what comes after it does."""
    if field.field_type is FieldType.NUMBER:
        at = _number(word)
        return at, at + 1
    return day_ends(day(word, scope.now, scope.zone))


def _number(word: Word) -> int:
    value = number(word.text)
    if value is None:
        raise InvalidFilter(word.at, f"{shown(word.text)} is no number, such as 12.5.")
    return millionths(value)


def _choice(field: CustomField, word: Word) -> str:
    choice = field.choice(word.text)
    if choice is None:
        known = [one.id for one in field.rules.choices]
        raise unknown(f"choice of cf.{field.key}", word.text, known, at=word.at)
    return choice.id


def _with_fields_together(conditions: Iterable[InField]) -> Iterable[InField]:
    """Return conditions that ask the same of several fields as one each."""
    found: dict[InField, tuple[str, ...]] = {}
    for one in conditions:
        asked = structs.replace(one, field_ids=())
        found[asked] = (*found.get(asked, ()), *one.field_ids)
    return [structs.replace(asked, field_ids=ids) for asked, ids in found.items()]


def _with_values_together(conditions: Iterable[InField]) -> Iterable[InField]:
    """Return conditions that ask for several values of the same fields as one each."""
    found: dict[InField, InField] = {}
    for one in conditions:
        if one.values is None:
            found[one] = one
            continue
        like = structs.replace(one, values=())
        known = found.get(like, like)
        found[like] = structs.replace(one, values=(*(known.values or ()), *one.values))
    return found.values()

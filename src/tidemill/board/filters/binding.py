"""Turns what people wrote into conditions: names into ids, dates into instants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from tidemill.board.errors import shown
from tidemill.board.filter_errors import InvalidFilter, unknown
from tidemill.board.filters.conditions import (
    ARCHIVED_AT,
    AllOf,
    AnyOf,
    Bears,
    Condition,
    Matches,
    Missing,
    Negated,
    OneOf,
    Within,
)
from tidemill.board.filters.custom import custom_condition, filled
from tidemill.board.filters.fields import FIELDS, NONE, OPTIONAL, Field, Kind, field_named, field_of
from tidemill.board.filters.models import (
    And,
    Comparison,
    Node,
    Not,
    Operator,
    Or,
    Span,
    Text,
    Word,
)
from tidemill.board.filters.moments import Moment, day, day_ends, moment
from tidemill.board.filters.scopes import Scope
from tidemill.board.filters.words import words_of
from tidemill.board.workflows.models import CLOSED, Category

ACTIVE: Final = "active"
ARCHIVED: Final = "archived"
_MICROSECOND: Final = 1
_NUMBER: Final = re.compile(r"\d{1,6}")


def bound(node: Node | None, scope: Scope) -> Condition:
    """Return what an item must fulfil; raises `InvalidFilter`."""
    match node:
        case None:
            return AllOf(())
        case And():
            return AllOf(tuple(bound(term, scope) for term in node.terms))
        case Or():
            return AnyOf(tuple(bound(term, scope) for term in node.terms))
        case Not():
            return Negated(bound(node.term, scope))
        case Text():
            return _matches(FIELDS["text"], node.word, scope)
        case Comparison():
            return _comparison(field_of(node.field.text), node, scope)


def _comparison(field: Field, node: Comparison, scope: Scope) -> Condition:
    if field.kind is Kind.CUSTOM:
        return custom_condition(field.column, node, scope)
    if node.operator is not Operator.IS:
        [word] = node.values
        return _compared(field, node.operator, _one(word), scope)
    conditions = [_value(field, value, scope) for value in node.values]
    same = [one for one in conditions if isinstance(one, OneOf)]
    if len(same) == len(conditions):
        values = dict.fromkeys(value for one in same for value in one.values)
        return OneOf(field.column, tuple(values))
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def _value(field: Field, value: Word | Span, scope: Scope) -> Condition:
    if isinstance(value, Span):
        return _span(field, value, scope)
    if field.is_optional and value.text.lower() == NONE and not value.is_quoted:
        return Missing(field.column)
    return _READERS[field.kind](field, value, scope)


def _choice(field: Field, word: Word, scope: Scope) -> Condition:
    del scope
    return OneOf(field.column, (field.choices[_place(field, word)],))


def _status(field: Field, word: Word, scope: Scope) -> Condition:
    found = scope.names.statuses(word.text)
    if not found:
        raise unknown("status", word.text, scope.names.known_statuses(), at=word.at)
    return OneOf(field.column, tuple(found))


def _kind(field: Field, word: Word, scope: Scope) -> Condition:
    found = scope.names.kinds(word.text)
    if not found:
        raise unknown("type", word.text, scope.names.known_kinds(), at=word.at)
    return OneOf(field.column, tuple(found))


def _state(field: Field, word: Word, scope: Scope) -> Condition:
    del scope
    state, categories = word.text.lower(), [category.value for category in Category]
    if state in {"open", "closed"}:
        found = [one for one in categories if (one in CLOSED) == (state == "closed")]
    elif state in categories:
        found = [state]
    elif state == ARCHIVED:
        return Within(ARCHIVED_AT, None, None)
    else:
        raise unknown("state", word.text, ["open", "closed", *categories, ARCHIVED], at=word.at)
    return OneOf(field.column, tuple(found))


def _person(field: Field, word: Word, scope: Scope) -> Condition:
    return OneOf(field.column, scope.people(word))


def _project(field: Field, word: Word, scope: Scope) -> Condition:
    found = scope.names.project(word.text)
    if found is None:
        raise InvalidFilter(word.at, f"There is no project {shown(word.text)}.")
    return OneOf(field.column, (found,))


def _item(field: Field, word: Word, scope: Scope) -> Condition:
    found = scope.names.item(word.text)
    if found is None:
        raise InvalidFilter(word.at, f"There is no work item {shown(word.text)}.")
    return OneOf(field.column, (found,))


def _instant(field: Field, word: Word, scope: Scope) -> Condition:
    at = moment(word, scope.now, scope.zone)
    if at.start == at.end:
        raise InvalidFilter(
            word.at, f"{shown(word.text)} is one instant. Write < or > instead of the colon."
        )
    return Within(field.column, at.start, at.end)


def _day(field: Field, word: Word, scope: Scope) -> Condition:
    return Within(field.column, *day_ends(day(word, scope.now, scope.zone)))


def _number(field: Field, word: Word, scope: Scope) -> Condition:
    del scope
    number = _whole(word)
    return Within(field.column, number, number + 1)


def _sprint(field: Field, word: Word, scope: Scope) -> Condition:
    if word.text.lower() == ACTIVE and not word.is_quoted:
        return OneOf(field.column, tuple(scope.names.active_sprints()))
    found = scope.names.sprints(word.text)
    if not found:
        raise InvalidFilter(word.at, f"There is no sprint {shown(word.text)}.")
    return OneOf(field.column, tuple(found))


def _label(field: Field, word: Word, scope: Scope) -> Condition:
    del field
    found = scope.names.labels(word.text)
    if not found:
        raise InvalidFilter(word.at, f"There is no label {shown(word.text)}.")
    return Bears(tuple(found))


def _exact(field: Field, word: Word, scope: Scope) -> Condition:
    del scope
    return OneOf(field.column, (word.text,))


def _matches(field: Field, word: Word, scope: Scope) -> Condition:
    del scope
    words = words_of(word.text)
    if not words:
        raise InvalidFilter(word.at, f"There is no letter and no digit in {shown(word.text)}.")
    return Matches(field.column, tuple(words), not word.is_quoted)


def _presence(field: Field, word: Word, scope: Scope) -> Condition:
    named = field_named(word.text)
    if named is None or not named.is_optional:
        raise unknown("field that can be empty,", word.text, OPTIONAL, at=word.at)
    if named.kind is Kind.CUSTOM:
        missing: Condition = Negated(filled(named.column, scope, at=word.at))
    else:
        missing = Missing(named.column)
    return missing if field.name == "no" else Negated(missing)


_READERS: Final[Mapping[Kind, Callable[[Field, Word, Scope], Condition]]] = {
    Kind.CHOICE: _choice,
    Kind.STATUS: _status,
    Kind.TYPE: _kind,
    Kind.STATE: _state,
    Kind.PERSON: _person,
    Kind.PROJECT: _project,
    Kind.ITEM: _item,
    Kind.INSTANT: _instant,
    Kind.DAY: _day,
    Kind.NUMBER: _number,
    Kind.SPRINT: _sprint,
    Kind.LABEL: _label,
    Kind.EXACT: _exact,
    Kind.WORDS: _matches,
    Kind.PRESENCE: _presence,
}


def _compared(field: Field, operator: Operator, word: Word, scope: Scope) -> Condition:
    if field.is_ordered:
        place = _place(field, word)
        chosen = {
            Operator.LESS: field.choices[:place],
            Operator.AT_MOST: field.choices[: place + 1],
            Operator.MORE: field.choices[place + 1 :],
            Operator.AT_LEAST: field.choices[place:],
        }
        return OneOf(field.column, chosen[operator])
    start, end = _ends(field, word, scope)
    bounds = {
        Operator.LESS: (None, start),
        Operator.AT_MOST: (None, end),
        Operator.MORE: (end, None),
        Operator.AT_LEAST: (start, None),
    }
    return Within(field.column, *bounds[operator])


def _span(field: Field, span: Span, scope: Scope) -> Condition:
    if field.is_ordered:
        low = _place(field, span.low) if span.low else 0
        high = _place(field, span.high) if span.high else len(field.choices)
        return OneOf(field.column, field.choices[low : high + 1])
    return Within(
        field.column,
        _ends(field, span.low, scope)[0] if span.low else None,
        _ends(field, span.high, scope)[1] if span.high else None,
    )


def _ends(field: Field, word: Word, scope: Scope) -> tuple[int | str, int | str]:
    """Return where what `word` means begins, and where what comes after it does."""
    if field.kind is Kind.NUMBER:
        number = _whole(word)
        return number, number + 1
    if field.kind is Kind.DAY:
        return day_ends(day(word, scope.now, scope.zone))
    at = _instants(word, scope)
    return at.start, at.end


def _whole(word: Word) -> int:
    if not _NUMBER.fullmatch(word.text):
        raise InvalidFilter(word.at, f"{shown(word.text)} is no whole number, such as 3.")
    return int(word.text)


def _instants(word: Word, scope: Scope) -> Moment:
    """Return what `word` means; a point in time lasts for the microsecond that it is."""
    at = moment(word, scope.now, scope.zone)
    return at if at.start < at.end else Moment(at.start, at.start + _MICROSECOND)


def _place(field: Field, word: Word) -> int:
    text = word.text.lower()
    if text not in field.choices:
        raise unknown(field.name, word.text, field.choices, at=word.at)
    return field.choices.index(text)


def _one(value: Word | Span) -> Word:
    if isinstance(value, Span):  # The parser lets no range follow an operator.
        raise InvalidFilter(1, "A range follows a colon.")
    return value

"""Reads filters; each character is looked at once, and every bound is checked on the way."""

from __future__ import annotations

import re
from typing import Final

from tidemill.board.errors import shown
from tidemill.board.filter_errors import InvalidFilter, unknown
from tidemill.board.filters.fields import (
    BY_WORD,
    SORTINGS,
    Field,
    can_compare,
    field_named,
    sorting_named,
)
from tidemill.board.filters.models import (
    And,
    Comparison,
    Filter,
    Node,
    Not,
    Operator,
    Or,
    Order,
    Span,
    Text,
    Word,
    chars_max,
    depth_max,
    terms_max,
    values_max,
)

_BLANKS: Final = re.compile(r"\s*")
_HEAD: Final = re.compile(r"([A-Za-z][A-Za-z_]*|[Cc][Ff]\.[A-Za-z0-9_-]+)(<=|>=|[:<>=])")
_COMPARISON: Final = re.compile(r"<=|>=|<|>")
_VALUE: Final = re.compile(r'[^\s,()"]+')
_BARE: Final = re.compile(r'[^\s()"]+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_OR: Final = re.compile(r"OR(?=[\s()]|\Z)")
_SORT: Final = "sort"


def parse(text: str) -> Filter:
    """Return what `text` says; raises `InvalidFilter`."""
    if len(text) > chars_max:
        raise InvalidFilter(
            chars_max + 1, f"The filter has {len(text)} characters; {chars_max} are the limit."
        )
    for column, character in enumerate(text, 1):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            code = f"U+{ord(character):04X}"
            raise InvalidFilter(column, f"Remove the character {code}.")
    return _Parser(text).filter()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._terms = 0
        self._order: Order | None = None

    def filter(self) -> Filter:
        condition = self._alternatives()
        if self._at < len(self._text):
            raise self._wrong("There is no opening parenthesis for this one.")
        return Filter(condition, self._order)

    def _alternatives(self) -> Node | None:
        terms: list[Node] = []
        while True:
            together = self._together()
            is_or = _OR.match(self._text, self._at)
            if together is not None:
                terms.append(together)
            elif is_or or terms:
                raise self._wrong("OR needs a condition before and behind it.")
            if not is_or:
                break
            self._at = is_or.end()
        if len(terms) > 1:
            return Or(tuple(terms))
        return terms[0] if terms else None

    def _together(self) -> Node | None:
        terms: list[Node] = []
        while True:
            self._skip_blanks()
            if self._at == len(self._text) or self._text[self._at] == ")":
                break
            if _OR.match(self._text, self._at):
                break
            term = self._term()
            if term is not None:
                terms.append(term)
        if len(terms) > 1:
            return And(tuple(terms))
        return terms[0] if terms else None

    def _term(self) -> Node | None:
        self._terms += 1
        if self._terms > terms_max:
            raise self._wrong(f"{terms_max} conditions are the limit.")
        character = self._text[self._at]
        if character == "-":
            return self._negated()
        if character == "(":
            return self._group()
        head = _HEAD.match(self._text, self._at)
        if head is None:
            return Text(self._word(_BARE))
        if head[1].lower() == _SORT:
            self._sorted(head)
            return None
        return self._test(head)

    def _negated(self) -> Node:
        at = self._at
        self._at += 1
        if self._at == len(self._text) or self._text[self._at] in " \t\r\n-)":
            raise InvalidFilter(at + 1, "A minus stands right before the condition it negates.")
        term = self._term()
        if term is None:
            raise InvalidFilter(at + 1, "sort cannot be negated; sort:-updated turns it round.")
        return Not(term)

    def _group(self) -> Node:
        opened = self._at
        self._depth += 1
        if self._depth > depth_max:
            raise self._wrong(f"Parentheses lie at most {depth_max} deep.")
        self._at += 1
        inner = self._alternatives()
        if self._at == len(self._text):
            raise InvalidFilter(opened + 1, "This parenthesis is never closed.")
        if inner is None:
            raise InvalidFilter(opened + 1, "There is no condition between these parentheses.")
        self._at += 1
        self._depth -= 1
        return inner

    def _sorted(self, head: re.Match[str]) -> None:
        at = self._at + 1
        self._at = head.end()
        if head[2] not in {":", "="} or self._depth:
            raise InvalidFilter(at, "Write sort:updated, outside of parentheses.")
        if self._order is not None:
            raise InvalidFilter(at, "The list is sorted already; remove one sort.")
        word = self._value_word()
        is_descending = word.text.startswith("-")
        name = word.text.removeprefix("-").lower()
        if sorting_named(name) is None:
            raise unknown("order", name, SORTINGS, at=word.at)
        self._order = Order(Word(name, at=word.at), is_descending)

    def _test(self, head: re.Match[str]) -> Comparison:
        at = self._at + 1
        field = field_named(head[1])
        if field is None:
            raise unknown("field", head[1], [*BY_WORD, _SORT], at=at)
        self._at = head.end()
        sign = ":" if head[2] == "=" else head[2]
        comparison = _COMPARISON.match(self._text, self._at) if sign == ":" else None
        if comparison is not None:
            sign, self._at = comparison[0], comparison.end()
        operator = Operator(sign)
        name = Word(field.name, at=at)
        if operator is not Operator.IS:
            return Comparison(name, operator, (self._compared(field, operator, at),))
        values = [self._value(field)]
        while self._at < len(self._text) and self._text[self._at] == ",":
            self._at += 1
            if len(values) == values_max:
                raise self._wrong(f"{values_max} values of a field are the limit.")
            values.append(self._value(field))
        return Comparison(name, operator, tuple(values))

    def _compared(self, field: Field, operator: Operator, at: int) -> Word:
        if not can_compare(field):
            raise InvalidFilter(
                at, f"{field.name} has no order, so {operator} says nothing. Write {field.name}:."
            )
        value = self._value(field)
        if isinstance(value, Span):
            raise InvalidFilter(at, f"Write {field.name}: before a range.")
        return value

    def _value(self, field: Field) -> Word | Span:
        word = self._value_word()
        if word.is_quoted or ".." not in word.text or not can_compare(field):
            return word
        low, _, high = word.text.partition("..")
        if ".." in high or not (low or high):
            raise InvalidFilter(word.at, "A range is written low..high, low.. or ..high.")
        return Span(
            Word(low, at=word.at) if low else None,
            Word(high, at=word.at + len(low) + 2) if high else None,
        )

    def _value_word(self) -> Word:
        if self._at < len(self._text) and self._text[self._at] not in ",() \t\r\n":
            return self._word(_VALUE)
        before = self._text[: self._at].rsplit(None, 1)[-1]
        raise self._wrong(f"{shown(before)} needs a value right behind it.")

    def _word(self, bare: re.Pattern[str]) -> Word:
        at = self._at + 1
        quoted = self._text[self._at] == '"'
        match = (_QUOTED if quoted else bare).match(self._text, self._at)
        if match is None:
            raise self._wrong("This quotation mark is never closed.")
        self._at = match.end()
        return Word(_ESCAPE.sub(r"\1", match[1]), True, at) if quoted else Word(match[0], at=at)

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _wrong(self, problem: str) -> InvalidFilter:
        return InvalidFilter(self._at + 1, problem)

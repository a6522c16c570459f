"""What a filter says, as a tree; where a word stood is no part of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

chars_max: Final = 1_000
depth_max: Final = 8
terms_max: Final = 64
values_max: Final = 32


class Operator(StrEnum):
    """How a field is compared; `:` is any of the values."""

    IS = ":"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


class Word(Struct, frozen=True, eq=False):
    """A value as it was written, and its column, which counts from 1."""

    text: str
    is_quoted: bool = False
    at: int = 1

    def __eq__(self, other: object) -> bool:
        """Compare what was said, not where."""
        return (
            isinstance(other, Word)
            and (self.text, self.is_quoted) == (other.text, other.is_quoted)
        )  # fmt: skip

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((self.text, self.is_quoted))


class Span(Struct, frozen=True):
    """All from `low` through `high`; None is no bound on that side."""

    low: Word | None
    high: Word | None


class Comparison(Struct, frozen=True):
    """One field against values."""

    field: Word
    operator: Operator
    values: tuple[Word | Span, ...]


class Text(Struct, frozen=True):
    """Words that stand in the item; quoted ones exactly so, others at the start of its words."""

    word: Word


class Not(Struct, frozen=True):
    """What does not hold."""

    term: Node


class And(Struct, frozen=True):
    """Two or more that all hold."""

    terms: tuple[Node, ...]


class Or(Struct, frozen=True):
    """Two or more of which one holds."""

    terms: tuple[Node, ...]


Node = Comparison | Text | Not | And | Or


class Order(Struct, frozen=True):
    """How a list is sorted."""

    name: Word
    is_descending: bool = False


class Filter(Struct, frozen=True):
    """A whole filter: which items, in which order."""

    condition: Node | None = None
    order: Order | None = None

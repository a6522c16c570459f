"""What a line of quick add says; where a word stood is no part of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.filters.models import Word

chars_max: Final = 2_000


class Mark(StrEnum):
    """What a word of the line says of the item, beside its title."""

    HASH = "hash"
    LABEL = "label"
    TYPE = "type"
    ASSIGNEE = "assignee"
    PRIORITY = "priority"
    STATUS = "status"
    POINTS = "points"
    START = "start"
    DUE = "due"
    PARENT = "parent"
    SPRINT = "sprint"
    PROJECT = "project"


SIGNS: Final = {
    "#": Mark.HASH,
    "@": Mark.ASSIGNEE,
    "!": Mark.PRIORITY,
    "^": Mark.DUE,
    "~": Mark.POINTS,
    ">": Mark.PARENT,
}
"""What stands before a value, right at the start of a word."""
WORDS: Final = {mark.value: mark for mark in Mark if mark is not Mark.HASH}
"""What can stand before a colon and a value instead."""
MANY: Final = frozenset({Mark.HASH, Mark.LABEL})
"""What may be said more than once."""
DAYS: Final = frozenset({Mark.START, Mark.DUE})


class Marked(Struct, frozen=True):
    """One mark and its value."""

    mark: Mark
    word: Word


class Draft(Struct, frozen=True, kw_only=True):
    """A title without surplus blanks, and the marks in their order.

    A hash is the item's type where it is a type's name and not quoted, else a label.
    """

    title: str = ""
    marks: tuple[Marked, ...] = ()

    def all(self, mark: Mark) -> tuple[Word, ...]:
        """Return every value of a mark."""
        return tuple(one.word for one in self.marks if one.mark is mark)

    def one(self, mark: Mark) -> Word | None:
        """Return the value of a mark that is said once."""
        return next(iter(self.all(mark)), None)

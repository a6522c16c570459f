"""Failures of quick add."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from tidemill.board.errors import shown
from tidemill.core.errors import InvalidInput

candidates_told_max: Final = 10
# Longer words are no slips of the fingers, and comparing them would take its time.
_word_chars_max: Final = 60


class InvalidQuickText(InvalidInput):
    """A line of quick add cannot be understood; the message names the column and what would do."""

    code = "INVALID_QUICK_TEXT"

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"Column {column}: {problem}", param="text")
        self.column = column


def nothing_called(what: str, word: str, known: Sequence[str], *, at: int) -> InvalidQuickText:
    """Return the failure of a word that names none of `known`, with those that come near it."""
    by_name = {name.casefold(): name for name in known}
    near = (
        difflib.get_close_matches(word.casefold(), by_name, n=3, cutoff=0.5)
        if len(word) <= _word_chars_max
        else []
    )
    if near:
        hint = f"Did you mean {' or '.join(shown(by_name[name]) for name in near)}?"
    elif known:
        hint = f"There are {told(known)}."
    else:
        hint = "There is none at all."
    return InvalidQuickText(at, f"There is no {what} {shown(word)}. {hint}")


def could_be(what: str, word: str, found: Sequence[str], *, at: int) -> InvalidQuickText:
    """Return the failure of a word that names several."""
    problem = f"{shown(word)} could be one of several {what}: {told(found)}. Say which by its id."
    return InvalidQuickText(at, problem)


def told(names: Sequence[str]) -> str:
    """Return the first of `names` in one line, and how many more there are."""
    first = [shown(name) for name in names[:candidates_told_max]]
    more = len(names) - len(first)
    return ", ".join([*first, *([f"and {more} more"] if more > 0 else [])])

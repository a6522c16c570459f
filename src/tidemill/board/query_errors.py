"""Failures of named queries."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from tidemill.board.errors import shown
from tidemill.core.errors import InvalidInput, NotFound

# Longer words are no slips of the fingers, and comparing them would take its time.
_word_chars_max: Final = 64


def nearest(word: str, known: Sequence[str]) -> str:
    """Return a sentence that offers the nearest of `known`, or all of them."""
    near = difflib.get_close_matches(word[:_word_chars_max], known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(known)}."


class QueryNotFound(NotFound):
    """There is no query of this name; they are a closed set."""

    code = "QUERY_NOT_FOUND"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no query {shown(name)}. {nearest(name, known)}", param="name")


class InvalidQueryParameter(InvalidInput):
    """A parameter of a query is missing, unknown, or no such value."""

    code = "INVALID_QUERY_PARAMETER"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem, param=f"parameters.{name}")

"""Failures of filters, views and searches."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound

# Longer words are no slips of the fingers, and comparing them would take its time.
_word_chars_max: Final = 40


class InvalidFilter(InvalidInput):
    """A filter cannot be understood; the message names the column, the word and what would do."""

    code = "INVALID_FILTER"

    def __init__(self, column: int, problem: str) -> None:
        super().__init__(f"Column {column}: {problem}", param="filter")
        self.column = column


def unknown(what: str, word: str, known: Iterable[str], *, at: int) -> InvalidFilter:
    """Return the failure of a word that is none of `known`, with the nearest of them."""
    names = list(known)
    near = (
        difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
        if len(word) <= _word_chars_max
        else []
    )
    hint = f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(names)}."
    return InvalidFilter(at, f"Unknown {what} {shown(word)}. {hint}")


class QueryTooLong(InvalidInput):
    """What is looked for has more characters than a search takes."""

    code = "QUERY_TOO_LONG"

    def __init__(self, chars: int, chars_max: int) -> None:
        super().__init__(
            f"The search has {chars} characters; {chars_max} are the limit.", param="q"
        )


class ViewNotFound(NotFound):
    """There is no such view for this tenant, or it is somebody else's own."""

    code = "VIEW_NOT_FOUND"

    def __init__(self, view_id: str) -> None:
        super().__init__(f"There is no view {shown(view_id)}.")


class ViewNotOwn(Forbidden):
    """A shared view is changed by who made it, and by admins."""

    code = "VIEW_NOT_OWN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is somebody else's. Ask them or an admin, or keep your own.")


class TooManyViews(Conflict):
    """A person keeps as many views as one may."""

    code = "TOO_MANY_VIEWS"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"You keep {count_max} views, which is the limit. Delete one first.")

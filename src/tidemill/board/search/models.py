"""How well an item fits what somebody looks for; the same rule on every database."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct

from tidemill.board.contract import WorkItemId
from tidemill.board.filters.words import folded, words_of
from tidemill.board.texts import item_key
from tidemill.core.clock import Instant

query_chars_max: Final = 200
words_max: Final = 8
# How many of each sort the database offers, so that those that fit best can be chosen.
candidates_max: Final = 200
# Of so many comments, the newest that fit, the items are offered.
comments_max: Final = 5_000
_trigram_chars: Final = 3
_one_slip_chars: Final = 4
_two_slips_chars: Final = 8


class Fit(IntEnum):
    """In what way an item fits, best first."""

    KEY = 0
    TITLE = 1
    WORDS = 2
    COMMENT = 3
    SIMILAR = 4


class Query(Struct, frozen=True, kw_only=True):
    """What somebody looks for: words as written and folded, and the key that it may be."""

    words: tuple[str, ...]
    folded: tuple[str, ...]
    key: tuple[str, int] | None = None


class Candidate(Struct, frozen=True):
    """An item that a database offers, in the order of the columns that are read."""

    id: WorkItemId
    title: str
    updated_at: Instant


class Hit(Struct, frozen=True, kw_only=True):
    """An item and in what way it fits."""

    id: WorkItemId
    fit: Fit


def query_of(text: str) -> Query:
    """Return what `text` looks for; more than `words_max` words say no more."""
    words = words_of(text)[:words_max]
    # What folds to nothing is a mark without a letter.
    pairs = [(word, bare) for word in words if (bare := folded(word))]
    return Query(
        words=tuple(word for word, _ in pairs),
        folded=tuple(bare for _, bare in pairs),
        key=item_key(text.strip()),
    )


def trigrams_of(words: Iterable[str]) -> list[str]:
    """Return each three characters of the words, each once."""
    found = {
        word[place : place + _trigram_chars]: None
        for word in words
        for place in range(len(word) - _trigram_chars + 1)
    }
    return list(found)


def ranked(
    query: Query,
    by_words: Iterable[Candidate],
    by_comments: Iterable[Candidate],
    similar: Iterable[Candidate],
) -> list[Hit]:
    """Return what fits, best first.

    First titles that begin with the query, the shortest first; then items that hold all words,
    those with more of them in the title first, then those changed last; then items with a comment
    that holds all words, as `by_comments` has them; then titles that hold all words but for slips,
    those with fewer slips first.
    """
    scored: dict[WorkItemId, tuple[tuple[int, int, int, str], Hit]] = {}
    for candidate in by_words:
        title = [folded(word) for word in words_of(candidate.title)]
        if " ".join(title).startswith(" ".join(query.folded)):
            fit, score = Fit.TITLE, len(candidate.title)
        else:
            in_title = sum(any(there.startswith(one) for there in title) for one in query.folded)
            fit, score = Fit.WORDS, -in_title
        _keep(scored, candidate, fit, score)
    for place, candidate in enumerate(by_comments):
        _keep(scored, candidate, Fit.COMMENT, place)
    known: dict[tuple[str, str], int | None] = {}
    for candidate in similar:
        slips = _slips(query, candidate, known)
        if slips is not None:
            _keep(scored, candidate, Fit.SIMILAR, slips)
    return [hit for _, hit in sorted(scored.values(), key=lambda one: one[0])]


def _keep(
    scored: dict[WorkItemId, tuple[tuple[int, int, int, str], Hit]],
    candidate: Candidate,
    fit: Fit,
    score: int,
) -> None:
    place = (int(fit), score, -candidate.updated_at, candidate.id)
    if candidate.id not in scored or place < scored[candidate.id][0]:
        scored[candidate.id] = (place, Hit(id=candidate.id, fit=fit))


def _slips(
    query: Query, candidate: Candidate, known: dict[tuple[str, str], int | None]
) -> int | None:
    """Return how many slips lie between the query and a title; None when a word is not there."""
    title = {folded(word) for word in words_of(candidate.title)}
    total = 0
    for word in query.folded:
        best: int | None = None
        for there in title:
            pair = (word, there)
            if pair not in known:
                known[pair] = slips_between(word, there)
            slips = known[pair]
            if slips is not None and (best is None or slips < best):
                best = slips
        if best is None:
            return None
        total += best
    return total


def slips_between(typed: str, word: str) -> int | None:
    """Return how many slips turn `word` into `typed`, None when those are too many for its length.

    A slip is a character too many, too few or wrong, or two that changed places.
    """
    if word.startswith(typed):
        return 0
    allowed = 0
    if len(typed) >= _one_slip_chars:
        allowed = 1 if len(typed) < _two_slips_chars else 2
    if allowed == 0 or abs(len(typed) - len(word)) > allowed:
        return None
    return _distance(typed, word, allowed)


def _distance(one: str, other: str, most: int) -> int | None:
    """Return the distance by Damerau and Levenshtein, as far as `most`; looks at a band alone."""
    far = most + 1
    before: list[int] = []
    last = [place if place <= most else far for place in range(len(other) + 1)]
    for row, character in enumerate(one, 1):
        current = [far] * (len(other) + 1)
        if row <= most:
            current[0] = row
        for column in range(max(1, row - most), min(len(other), row + most) + 1):
            there = other[column - 1]
            cost = min(
                last[column] + 1, current[column - 1] + 1, last[column - 1] + (character != there)
            )
            if row > 1 and column > 1 and one[row - 2] == there and character == other[column - 2]:
                cost = min(cost, before[column - 2] + 1)
            current[column] = min(cost, far)
        if min(current) > most:
            return None
        before, last = last, current
    return last[-1] if last[-1] <= most else None

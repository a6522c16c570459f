"""What counts as a slip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.search.models import query_of, slips_between, trigrams_of, words_max

_words = st.text("abc", min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("typed", "word", "slips"),
    [
        ("tid", "tide", 0),
        ("tide", "tide", 0),
        ("tdie", "tide", 1),
        ("tidee", "tide", 1),
        ("tude", "tide", 1),
        ("tie", "tide", None),
        ("harbuor", "harbour", 1),
        ("hrabuor", "harbour", None),
        ("hrabuors", "harbours", 2),
        ("xyz", "tide", None),
    ],
)
def test_slips_between_words(typed: str, word: str, slips: int | None) -> None:
    assert slips_between(typed, word) == slips


@given(_words, _words)
def test_slips_between_counts_as_the_whole_table_does(typed: str, word: str) -> None:
    if word.startswith(typed):
        expected: int | None = 0
    else:
        most = 0 if len(typed) < 4 else 1 if len(typed) < 8 else 2
        distance = _distance(typed, word)
        expected = distance if distance <= most else None

    assert slips_between(typed, word) == expected


def test_query_of_keeps_words_and_key_apart() -> None:
    query = query_of(" tm-12 ")

    assert query.key == ("TM", 12)
    assert query.words == ("tm", "12")
    assert len(query_of("a " * 50).words) == words_max


def test_trigrams_of_words_come_once() -> None:
    assert trigrams_of(["tides", "ides", "a"]) == ["tid", "ide", "des"]


def _distance(one: str, other: str) -> int:
    table = [[row + column for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            same = one[row - 1] == other[column - 1]
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + (not same),
            )
            is_swap = (
                row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]
            )
            if is_swap:
                table[row][column] = min(table[row][column], table[row - 2][column - 2] + 1)
    return table[-1][-1]

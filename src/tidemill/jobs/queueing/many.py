"""Statements that name many values by place: in few sizes, so that each is prepared once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

many_max: Final = 200
"""How many rows one such statement names at most: as many as a worker mostly takes at once."""


def in_portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return `rows` in portions that a statement can name."""
    for start in range(0, len(rows), many_max):
        yield rows[start : start + many_max]


def size_for(count: int) -> int:
    """Return the size of the statement for `count` rows; what it names beyond them is null."""
    return min(many_max, 1 << (count - 1).bit_length())

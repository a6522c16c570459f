"""Figures that features count plainly and that the runtime reads when somebody asks for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

RUN_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
"""Bounds for what takes between a blink and hours."""


class FigureKind(StrEnum):
    """What a figure does over time."""

    COUNTER = "counter"
    """It only grows; its name ends in `_total`."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    """A distribution; its name ends in its unit."""


class Sample(Struct, frozen=True):
    """One figure that is read when it is asked for; `labels` in the order of their names."""

    value: float
    labels: tuple[str, ...] = ()


class Spread(Struct, frozen=True):
    """A distribution: how many values were up to each bound, and the sum of all.

    `counts` has one number more than there are bounds, for what was beyond the last.
    """

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float
    labels: tuple[str, ...] = ()


class Figure(Struct, frozen=True, kw_only=True):
    """A figure of a module; `read` is called at each look, and must neither block nor await.

    Labels have few values: never a tenant, a user, a job or an address.
    """

    name: str
    meaning: str
    read: Callable[[], Iterable[Sample | Spread]]
    kind: FigureKind = FigureKind.GAUGE
    labels: tuple[str, ...] = ()


class Counts:
    """Numbers that only grow, by the values of their labels."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str, by: int = 1) -> None:
        """Count one more, or `by`."""
        self._counts[labels] = self._counts.get(labels, 0) + by

    def of(self, *labels: str) -> int:
        """Return what was counted."""
        return self._counts.get(labels, 0)

    def samples(self) -> list[Sample]:
        """Return every count."""
        return [Sample(count, labels) for labels, count in list(self._counts.items())]


class Distribution:
    """Counts values by their size."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def spreads(self, *labels: str) -> list[Spread]:
        """Return the distribution as it is now, under the values of its labels."""
        return [Spread(self._bounds, tuple(self._counts), self._sum, labels)]


def gauge(read: Callable[[], float]) -> Callable[[], list[Sample]]:
    """Return a reader of one number without labels."""
    return lambda: [Sample(read())]

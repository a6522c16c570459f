"""What the past of a project says, and what follows for the rest of its work.

Percentiles are those of the sorted values at rank `ceil(p * n)` (nearest rank). The forecast is a
Monte Carlo simulation: each run draws days from the past at random, with repetition, until the
work is done; no distribution is assumed.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from tidemill.board.sprints.burndown import Totals
from tidemill.core.clock import Instant

percentiles: Final = (50, 75, 85, 95)
runs_max: Final = 2_000
days_drawn_max: Final = 400_000
horizon_days_max: Final = 3_650


class SprintResult(Struct, frozen=True, kw_only=True):
    """What a completed sprint had committed to, and what it got done."""

    sprint_id: str
    name: str
    ended_at: Instant
    committed: Totals
    final: Totals


class Spread(Struct, frozen=True, kw_only=True):
    """Mean and standard deviation of figures; the latter is None for fewer than two."""

    mean: float
    deviation: float | None


class Velocity(Struct, frozen=True, kw_only=True):
    """What the last sprints got done, oldest first; no spread without any sprint."""

    sprints: Sequence[SprintResult]
    items: Spread | None
    points: Spread | None


class Durations(Struct, frozen=True, kw_only=True):
    """Percentiles of durations in seconds, by their number, and of how many items."""

    count: int
    seconds: dict[int, int]


class Forecast(Struct, frozen=True, kw_only=True):
    """By when so many items will be done, by how sure one may be of it, in percent.

    `days` has None where the runs came to no end within ten years; there are none at all when
    nothing was done in the past that was looked at.
    """

    items: int
    runs: int
    done_in_the_past: int
    days: dict[int, int | None]
    dates: dict[int, date | None]


def velocity(sprints: Sequence[SprintResult]) -> Velocity:
    """Return what sprints in the order of their ends got done."""
    return Velocity(
        sprints=sprints,
        items=_spread([sprint.final.done_count for sprint in sprints]),
        points=_spread([sprint.final.done_points for sprint in sprints]),
    )


def durations(values: Iterable[int]) -> Durations:
    """Return percentiles of `values`, microseconds; none for no value."""
    ordered = sorted(values)
    seconds = {
        percent: ordered[math.ceil(percent / 100 * len(ordered)) - 1] // 1_000_000
        for percent in percentiles
        if ordered
    }
    return Durations(count=len(ordered), seconds=seconds)


def forecast(items: int, throughput: Sequence[int], today: date, *, seed: int) -> Forecast:
    """Return by when `items` will be done if days to come are like those of `throughput`.

    The same question with the same `seed` gets the same answer.
    """
    done = sum(throughput)
    if items and not done:
        return Forecast(items=items, runs=0, done_in_the_past=0, days={}, dates={})
    source = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    expected = max(1, round(items * len(throughput) / done)) if items else 1
    runs = max(200, min(runs_max, days_drawn_max // min(expected, horizon_days_max)))
    taken = sorted(_days_until(items, throughput, source) for _ in range(runs))
    days: dict[int, int | None] = {}
    for percent in percentiles:
        found = taken[math.ceil(percent / 100 * runs) - 1]
        days[percent] = found if found <= horizon_days_max else None
    dates = {
        percent: None if found is None else today + timedelta(days=found)
        for percent, found in days.items()
    }
    return Forecast(items=items, runs=runs, done_in_the_past=done, days=days, dates=dates)


def _days_until(items: int, throughput: Sequence[int], source: random.Random) -> int:
    """Return how many drawn days do `items`; one more than the horizon when they do not."""
    left, days = items, 0
    while left > 0 and days <= horizon_days_max:
        for done in source.choices(throughput, k=32):
            days += 1
            left -= done
            if left <= 0:
                break
    return min(days, horizon_days_max + 1)


def _spread(values: Sequence[int]) -> Spread | None:
    if not values:
        return None
    deviation = round(statistics.stdev(values), 2) if len(values) > 1 else None
    return Spread(mean=round(statistics.fmean(values), 2), deviation=deviation)

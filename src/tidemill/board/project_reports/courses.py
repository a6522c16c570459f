"""The courses of items through their statuses, and what they add up to.

All of it is read from history: an item's course is its creation and each change of its status. Days
end at midnight in the project's time zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.project_reports.models import Durations, durations
from tidemill.board.sprints.burndown import day_of
from tidemill.board.workflows.models import Category
from tidemill.core.clock import Instant


class Course(Struct, frozen=True, kw_only=True):
    """From when on an item was in which category; it is gone from `gone_at` on."""

    steps: Sequence[tuple[Instant, Category]]
    gone_at: Instant | None = None


class FlowDay(Struct, frozen=True, kw_only=True):
    """How many items were in each category at the end of a day."""

    date: date
    counts: Mapping[Category, int]


class Flow(Struct, frozen=True, kw_only=True):
    """How long what was done in a period took, and how many were done on each of its days.

    Lead time is from being made to done, cycle time from being begun to done, for those of which
    that was told.
    """

    lead: Durations
    cycle: Durations
    throughput: Sequence[tuple[date, int]]


def course(
    created_at: Instant,
    changes: Sequence[tuple[Instant, Category, Category]],
    now: Category,
    *,
    gone_at: Instant | None = None,
) -> Course:
    """Return the course of an item that is in the category `now`, by its changes in order."""
    first = changes[0][1] if changes else now
    steps = [(created_at, first), *((at, new) for at, _, new in changes)]
    return Course(steps=steps, gone_at=gone_at)


def cumulative_flow(
    courses: Iterable[Course],
    still: Mapping[Category, int],
    days: Sequence[date],
    zone: ZoneInfo,
) -> list[FlowDay]:
    """Return the categories of all items at the end of each day.

    `still` counts the items that were where they are now during all `days`.
    """
    ends = [_end_of(day, zone) for day in days]
    totals = [Counter(still) for _ in days]
    for item in courses:
        for total, category in zip(totals, _at_each(item, ends), strict=True):
            if category is not None:
                total[category] += 1
    return [
        FlowDay(date=day, counts={category: total[category] for category in Category})
        for day, total in zip(days, totals, strict=True)
    ]


def flow(courses: Iterable[Course], days: Sequence[date], zone: ZoneInfo) -> Flow:
    """Return how what was done on `days`, and still is, came there."""
    wanted, done = set(days), Counter[date]()
    leads, cycles = [], []
    for item in courses:
        completed_at = _completed_at(item)
        if completed_at is None or (day := day_of(completed_at, zone)) not in wanted:
            continue
        done[day] += 1
        leads.append(completed_at - item.steps[0][0])
        begun_at = next((at for at, category in item.steps if category is Category.STARTED), None)
        if begun_at is not None:
            cycles.append(completed_at - begun_at)
    return Flow(
        lead=durations(leads),
        cycle=durations(cycles),
        throughput=[(day, done[day]) for day in days],
    )


def days_between(first: date, last: date) -> list[date]:
    """Return each day from `first` to `last`."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def start_of(day: date, zone: ZoneInfo) -> Instant:
    """Return when a day begins."""
    return Instant(round(datetime.combine(day, time(), zone).timestamp() * 1_000_000))


def _end_of(day: date, zone: ZoneInfo) -> Instant:
    return start_of(day + timedelta(days=1), zone)


def _completed_at(item: Course) -> Instant | None:
    """Return when an item that is done became so; none for one that was made as done."""
    if item.gone_at is not None or item.steps[-1][1] is not Category.DONE:
        return None
    reached = None
    for (_, before), (at, after) in pairwise(item.steps):
        if after is Category.DONE and before is not Category.DONE:
            reached = at
    return reached


def _at_each(item: Course, ends: Sequence[Instant]) -> Iterator[Category | None]:
    """Return the item's category just before each of `ends`, which are in order."""
    steps, place, category = item.steps, 0, None
    for end in ends:
        while place < len(steps) and steps[place][0] < end:
            category = steps[place][1]
            place += 1
        yield None if item.gone_at is not None and item.gone_at < end else category

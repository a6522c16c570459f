"""How a sprint's work went down day by day, from its ledger; nothing is sampled.

A day ends at midnight in the project's time zone, and what happened up to then counts. The ideal
line goes over working days, Monday to Friday, from what was committed at the start to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.sprint_scope.models import ScopeEvent, ScopeKind
from tidemill.core.clock import Instant

# A sprint that was forgotten is shown for so long after its planned end.
days_late_max: Final = 366
_saturday: Final = 5


class Totals(Struct, frozen=True, kw_only=True):
    """What a sprint holds at an instant, and what of it is done."""

    scope_count: int = 0
    scope_points: int = 0
    done_count: int = 0
    done_points: int = 0


class Day(Struct, frozen=True, kw_only=True):
    """The end of a day; `actual` is None for days to come."""

    date: date
    actual: Totals | None
    ideal_count: float
    ideal_points: float


class Span(Struct, frozen=True, kw_only=True):
    """From when until when a sprint lasts: as planned in days, as it went in instants."""

    start: date
    end: date
    started_at: Instant | None
    ended_at: Instant | None


class Burndown(Struct, frozen=True, kw_only=True):
    """The course of a sprint; `committed` is what it held when it started."""

    committed: Totals
    final: Totals
    days: Sequence[Day]


def burndown(events: Iterable[ScopeEvent], span: Span, *, zone: ZoneInfo, now: Instant) -> Burndown:
    """Return the course of a sprint up to `now`, from its ledger in the order of its instants."""
    counted = [event for event in events if event.kind is not ScopeKind.CARRY_OVER]
    started_at = span.started_at if span.started_at is not None else now
    committed = _sum(event for event in counted if event.at <= started_at)
    through = day_of(span.ended_at if span.ended_at is not None else now, zone)
    days = _days(span.start, _last_day(span, through))
    by_day: dict[date, list[ScopeEvent]] = {}
    for event in counted:
        # What was planned before the first day belongs to it.
        by_day.setdefault(max(day_of(event.at, zone), span.start), []).append(event)
    actuals = accumulate((_sum(by_day.get(day, ())) for day in days), _plus)
    shares = _ideal_shares(days, span.end)
    shown = span.started_at is not None
    return Burndown(
        committed=committed,
        final=_sum(counted),
        days=[
            Day(
                date=day,
                actual=actual if shown and day <= through else None,
                ideal_count=round(committed.scope_count * share, 2),
                ideal_points=round(committed.scope_points * share, 2),
            )
            for day, actual, share in zip(days, actuals, shares, strict=True)
        ],
    )


def day_of(at: Instant, zone: ZoneInfo) -> date:
    """Return the day of an instant in a time zone."""
    return datetime.fromtimestamp(at / 1_000_000, tz=UTC).astimezone(zone).date()


def _last_day(span: Span, through: date) -> date:
    if span.ended_at is None or through <= span.end:
        return span.end
    return span.end + min(through - span.end, timedelta(days=days_late_max))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _ideal_shares(days: Sequence[date], end: date) -> list[float]:
    """Return which part of the work should be left at the end of each day."""
    working = [day.weekday() < _saturday and day <= end for day in days]
    if not any(working):
        working = [day <= end for day in days]
    total = sum(working)
    return [1 - done / total for done in accumulate(working)]


def _sum(events: Iterable[ScopeEvent]) -> Totals:
    total = Totals()
    for event in events:
        total = _plus(total, event)
    return total


def _plus(total: Totals, more: Totals | ScopeEvent) -> Totals:
    return Totals(
        scope_count=total.scope_count + more.scope_count,
        scope_points=total.scope_points + more.scope_points,
        done_count=total.done_count + more.done_count,
        done_points=total.done_points + more.done_points,
    )

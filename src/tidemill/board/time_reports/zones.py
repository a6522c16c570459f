"""Days and weeks as clocks in a time zone show them, by numbers that a database can compute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.time_tracking.spans import date_of, day_of
from tidemill.core.clock import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, Instant

# 1970-01-01 was a Thursday: three days before it a week began.
_days_before_first_week: Final = 3
_days_per_week: Final = 7
# No zone is further from UTC; days may be an hour longer or shorter, too.
_edge: Final = Instant(2 * MICROSECONDS_PER_DAY)


class Offset(Struct, frozen=True):
    """How far a zone is ahead of UTC until an instant; None is for ever."""

    until: Instant | None
    microseconds: int


class Period(Struct, frozen=True, kw_only=True):
    """Days of a zone, from the first to the last, counted since 1970."""

    first_day: int
    last_day: int
    offsets: tuple[Offset, ...]

    @property
    def earliest(self) -> Instant:
        """Return an instant before all of the period, in any zone."""
        return Instant(self.first_day * MICROSECONDS_PER_DAY - _edge)

    @property
    def latest(self) -> Instant:
        """Return an instant after all of the period, in any zone."""
        return Instant(self.last_day * MICROSECONDS_PER_DAY + _edge)


def today(zone: ZoneInfo, now: Instant) -> date:
    """Return the day that it is in `zone`."""
    return datetime.fromtimestamp(now // MICROSECONDS_PER_SECOND, zone).date()


def period_of(first: date, last: date, zone: ZoneInfo) -> Period:
    """Return the days from `first` to `last` as clocks in `zone` tell them."""
    return Period(
        first_day=day_of(first), last_day=day_of(last), offsets=_offsets(first, last, zone)
    )


def monday_of(week: int) -> date:
    """Return the Monday with which a week begins."""
    return date_of(week * _days_per_week - _days_before_first_week)


def week_sql(day: str) -> str:
    """Return the expression of the week that a day lies in; weeks begin on Mondays."""
    return f"({day} + {_days_before_first_week}) / {_days_per_week}"


def _offsets(first: date, last: date, zone: ZoneInfo) -> tuple[Offset, ...]:
    """Return the offsets of `zone` around a period, one for each time that its clocks change."""
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=2)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=3)
    offsets: list[Offset] = []
    moment = begin
    while moment < end:
        following = moment + timedelta(days=1)
        if _ahead(moment, zone) != _ahead(following, zone):
            change = _change(moment, following, zone)
            offsets.append(Offset(_instant(change), _ahead(moment, zone)))
        moment = following
    return (*offsets, Offset(None, _ahead(moment, zone)))


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second from which on clocks show what they show `after`."""
    new = _ahead(after, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _ahead(middle, zone) == new:
            after = middle
        else:
            before = middle
    return after


def _ahead(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)


def _instant(moment: datetime) -> Instant:
    return Instant(int(moment.timestamp()) * MICROSECONDS_PER_SECOND)

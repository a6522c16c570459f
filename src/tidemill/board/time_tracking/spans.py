"""When an entry began and ended: what people may give, and what follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from tidemill.board.time_errors import (
    TimeInFuture,
    TimeNotPositive,
    TimerRuns,
    TimesUnclear,
    TimeTooLong,
    TimeTooOld,
)
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, to_datetime

entry_hours_max: Final = 24
entry_seconds_max: Final = entry_hours_max * 3_600
# Clocks of clients go ahead a little: so much of the future is taken as now.
clock_ahead_seconds_max: Final = 60
# At some place on earth it is tomorrow already.
_zone_ahead_hours_max: Final = 14
_OLDEST: Final = Instant(946_684_800 * MICROSECONDS_PER_SECOND)
_EPOCH: Final = date(1970, 1, 1)


class Span(Struct, frozen=True):
    """A stretch of time in whole seconds; one that runs has no end.

    `on_day` counts days since 1970 where the day alone is known: it then begins at 0:00 UTC of
    that day, and belongs to the day in every time zone.
    """

    started_at: Instant
    ended_at: Instant | None
    on_day: int | None = None

    @property
    def seconds(self) -> int | None:
        """Return how long it is; None while it runs."""
        if self.ended_at is None:
            return None
        return (self.ended_at - self.started_at) // MICROSECONDS_PER_SECOND


class Times(Struct, frozen=True, kw_only=True):
    """What somebody says of an entry's times; instants are seconds since 1970."""

    started_at: int | UnsetType = UNSET
    ended_at: int | UnsetType = UNSET
    duration_seconds: int | UnsetType = UNSET
    date: date | UnsetType = UNSET

    @property
    def named(self) -> tuple[str, ...]:
        """Return which of them are given."""
        return tuple(name for name in _NAMES if getattr(self, name) is not UNSET)


_NAMES: Final = ("started_at", "ended_at", "duration_seconds", "date")


def second_of(now: Instant) -> Instant:
    """Return the whole second of an instant: entries begin and end on seconds."""
    return Instant(now - now % MICROSECONDS_PER_SECOND)


def day_of(day: date) -> int:
    """Return how many days after 1970-01-01 a day lies."""
    return (day - _EPOCH).days


def date_of(day: int) -> date:
    """Return the day that lies so many days after 1970-01-01."""
    return _EPOCH + timedelta(days=day)


def new_span(times: Times, now: Instant) -> Span:
    """Return the span of a new entry.

    Raises `TimesUnclear`, `TimeInFuture`, `TimeTooOld`, `TimeNotPositive` and `TimeTooLong`.
    """
    if len(times.named) != 2:
        raise TimesUnclear(times.named[-1] if times.named else "started_at")
    return _span(times, now)


def changed_span(old: Span, times: Times, now: Instant) -> Span:
    """Return `old` with what `times` says; raises what `new_span` raises, and `TimerRuns`."""
    if not times.named:
        return old
    if old.ended_at is None:
        return _of_a_timer(times, now)
    if times.named in _WHOLE:
        return _span(times, now)
    kept = {
        "started_at": old.started_at // MICROSECONDS_PER_SECOND,
        "ended_at": old.ended_at // MICROSECONDS_PER_SECOND,
        "duration_seconds": old.seconds,
        "date": date_of(old.on_day) if old.on_day is not None else UNSET,
    }
    if len(times.named) != 1:
        raise TimesUnclear(times.named[-1])
    [name] = times.named
    other = _OTHER_OF_A_DAY[name] if old.on_day is not None else _OTHER[name]
    given = {name: getattr(times, name), other: kept[other]}
    return _span(Times(**given), now)


def stopped(started_at: Instant, now: Instant) -> Instant:
    """Return when a timer that is stopped now has ended.

    One that was forgotten counts for the longest time that an entry can have.
    """
    latest = Instant(started_at + entry_seconds_max * MICROSECONDS_PER_SECOND)
    return min(max(second_of(now), started_at), latest)


_WHOLE: Final = (
    ("started_at", "ended_at"),
    ("started_at", "duration_seconds"),
    ("ended_at", "duration_seconds"),
    ("duration_seconds", "date"),
)
# What stays of an entry where one of its times alone is given.
_OTHER: Final = {
    "started_at": "ended_at",
    "ended_at": "started_at",
    "duration_seconds": "started_at",
    "date": "duration_seconds",
}
_OTHER_OF_A_DAY: Final = {
    "started_at": "duration_seconds",
    "ended_at": "duration_seconds",
    "duration_seconds": "date",
    "date": "duration_seconds",
}


def _span(times: Times, now: Instant) -> Span:
    started, ended, seconds = times.started_at, times.ended_at, times.duration_seconds
    if times.date is not UNSET:
        if seconds is UNSET:
            raise TimesUnclear("duration_seconds")
        return _on_day(times.date, seconds, now)
    if seconds is not UNSET:
        _check_seconds(seconds, "duration_seconds")
        if started is not UNSET:
            ended = started + seconds
        elif ended is not UNSET:
            started = ended - seconds
    if started is UNSET or ended is UNSET:
        raise TimesUnclear("started_at")
    begin = _passed(started, now, "started_at")
    end = _passed(ended, now, "ended_at" if seconds is UNSET else "duration_seconds")
    _check_seconds((end - begin) // MICROSECONDS_PER_SECOND, "ended_at")
    return Span(begin, end)


def _on_day(day: date, seconds: int, now: Instant) -> Span:
    _check_seconds(seconds, "duration_seconds")
    latest = (to_datetime(now) + timedelta(hours=_zone_ahead_hours_max)).date()
    if day > latest:
        raise TimeInFuture("date")
    if day.year < to_datetime(_OLDEST).year:
        raise TimeTooOld("date")
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    begin = Instant(midnight * MICROSECONDS_PER_SECOND)
    return Span(begin, Instant(begin + seconds * MICROSECONDS_PER_SECOND), day_of(day))


def _of_a_timer(times: Times, now: Instant) -> Span:
    for name in times.named:
        if name != "started_at":
            raise TimerRuns(name)
    if times.started_at is UNSET:
        raise TimesUnclear("started_at")
    begin = _passed(times.started_at, now, "started_at")
    if second_of(now) - begin > entry_seconds_max * MICROSECONDS_PER_SECOND:
        raise TimeTooLong("started_at", entry_hours_max)
    return Span(begin, None)


def _passed(seconds: int, now: Instant, param: str) -> Instant:
    """Return the instant, which must have passed."""
    instant = Instant(seconds * MICROSECONDS_PER_SECOND)
    if instant < _OLDEST:
        raise TimeTooOld(param)
    if instant > now + clock_ahead_seconds_max * MICROSECONDS_PER_SECOND:
        raise TimeInFuture(param)
    return min(instant, second_of(now))


def _check_seconds(seconds: int, param: str) -> None:
    if seconds <= 0:
        raise TimeNotPositive(param)
    if seconds > entry_seconds_max:
        raise TimeTooLong(param, entry_hours_max)

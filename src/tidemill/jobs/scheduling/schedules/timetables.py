"""The due times that follow from a definition; no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, from_datetime
from tidemill.jobs.scheduling.calendars.models import CalendarRule, DayRule, horizon_days
from tidemill.jobs.scheduling.schedules.crons import CronTimes
from tidemill.jobs.scheduling.schedules.models import Definition
from tidemill.jobs.scheduling.schedules.walls import instant_of, wall_of, zone_of

_HORIZON: Final = horizon_days * 86_400 * MICROSECONDS_PER_SECOND


class Timetable:
    """The due times of one definition, on the days of its calendar.

    An interval counts from `start_at`, or ends for the first time one interval after `anchor_at`.
    Raises `BadCron`, `UnknownZone` and `ValueError` for a
    definition that was not checked.
    """

    def __init__(self, definition: Definition, calendar: CalendarRule, anchor_at: Instant) -> None:
        trigger = definition.trigger
        self._trigger = trigger
        self._zone = zone_of(trigger.zone)
        self._days = DayRule(calendar, definition.days.include, definition.days.exclude)
        self._anchor, self._count_min = anchor_at, 1
        self._start = None if definition.start_at is None else from_datetime(definition.start_at)
        self._end = None if definition.end_at is None else from_datetime(definition.end_at)
        if self._start is not None and trigger.every_seconds is not None:
            self._anchor, self._count_min = self._start, 0
        self._cron = None if trigger.cron is None else CronTimes(trigger.cron, self._zone)
        self._times = sorted(time_of_day(text) for text in trigger.times)

    def first_after(self, instant: Instant) -> Instant | None:
        """Return the first due time after `instant`; None when none comes any more."""
        return next(self.after(instant), None)

    def first_from(self, instant: Instant) -> Instant | None:
        """Return the first due time at `instant` or after."""
        return self.first_after(Instant(instant - 1))

    def between(self, first: Instant, last: Instant, *, limit: int) -> list[Instant]:
        """Return up to `limit` due times from `first` to `last`, both included."""
        found = takewhile(lambda due: due <= last, self.after(Instant(first - 1)))
        return list(islice(found, limit))

    def after(self, instant: Instant) -> Iterator[Instant]:
        """Yield the due times after `instant`, in order."""
        cursor = instant if self._start is None else max(instant, Instant(self._start - 1))
        latest = cursor
        while True:
            for due in self._raw(cursor):
                if self._end is not None and due >= self._end:
                    return
                day = wall_of(due, self._zone).date()
                if self._days.allows(day):
                    latest = due
                    yield due
                    continue
                resume = self._next_day(day)
                # Mondays on the days of a weekend never come, however far one looks.
                if resume is None or due - latest > _HORIZON:
                    return
                cursor = max(due, Instant(instant_of(resume, self._zone) - 1))
                break
            else:
                return

    def _next_day(self, day: date) -> datetime | None:
        allowed = self._days.first_from(day + timedelta(days=1))
        return None if allowed is None else datetime.combine(allowed, time())

    def _raw(self, cursor: Instant) -> Iterator[Instant]:
        if self._cron is not None:
            return self._cron.after(cursor)
        if self._trigger.every_seconds is not None:
            return self._intervals(cursor, self._trigger.every_seconds * MICROSECONDS_PER_SECOND)
        if self._trigger.at is not None:
            at = from_datetime(self._trigger.at)
            return iter([at] if at > cursor else [])
        return self._times_of_days(cursor)

    def _intervals(self, cursor: Instant, step: int) -> Iterator[Instant]:
        count = max(self._count_min, (cursor - self._anchor) // step + 1)
        while True:
            due = Instant(self._anchor + count * step)
            if due > cursor:
                yield due
            count += 1

    def _times_of_days(self, cursor: Instant) -> Iterator[Instant]:
        if not self._times:
            return
        # One day back: where the clock jumps at midnight, a time may fall on the next day.
        day, latest = wall_of(cursor, self._zone).date() - timedelta(days=1), cursor
        for _ in range(horizon_days):
            for clock_time in self._times:
                due = instant_of(datetime.combine(day, clock_time), self._zone)
                if due > latest:
                    latest = due
                    yield due
            day += timedelta(days=1)


def time_of_day(text: str) -> time:
    """Return `text`, such as 06:30 or 06:30:15; raises `ValueError` with what would be right."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.microsecond:
        raise ValueError(f"{text[:40]!r} is no time of day; write it as 06:30 or 06:30:15.")
    return found

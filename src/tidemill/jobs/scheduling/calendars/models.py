"""On which days something runs; no I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from tidemill.core.clock import Instant

horizon_days: Final = 366 * 50
"""How far ahead a day is looked for: what does not come in 50 years never comes."""
dates_max: Final = 1_000
_EVERY: Final = frozenset(range(7))

Weekday = Annotated[int, Meta(ge=1, le=7, description="1 is Monday, 7 is Sunday.")]
Dates = Annotated[Sequence[date], Meta(max_length=dates_max)]


class CalendarRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days of a calendar: days of the week, without holidays, with days added."""

    weekdays: Annotated[Sequence[Weekday], Meta(max_length=7)] = (1, 2, 3, 4, 5, 6, 7)
    holidays: Dates = ()
    added: Dates = ()
    description: Annotated[str, Meta(max_length=1_000)] = ""


BUILT_IN: Final[dict[str, CalendarRule]] = {
    "every-day": CalendarRule(),
    "weekdays": CalendarRule(weekdays=(1, 2, 3, 4, 5)),
    "weekends": CalendarRule(weekdays=(6, 7)),
    "no-day": CalendarRule(weekdays=()),
}
"""Calendars that every tenant has; `no-day` is for those who name each date themselves."""


class Calendar(Struct, frozen=True, kw_only=True):
    """A tenant's own calendar."""

    name: str
    rule: CalendarRule
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str


class DayRule:
    """Says which days count: those of a calendar, with dates added, without dates excluded."""

    def __init__(
        self, rule: CalendarRule, added: Collection[date] = (), excluded: Collection[date] = ()
    ) -> None:
        self._weekdays = frozenset(day - 1 for day in rule.weekdays)
        self._out = frozenset(excluded)
        self._in = (frozenset(rule.added) | frozenset(added)) - self._out
        self._holidays = frozenset(rule.holidays)
        self._all = self._weekdays == _EVERY and not self._holidays and not self._out

    def allows(self, day: date) -> bool:
        """Return whether `day` counts."""
        if self._all or day in self._in:
            return True
        if day in self._out or day in self._holidays:
            return False
        return day.weekday() in self._weekdays

    def first_from(self, day: date) -> date | None:
        """Return the first day that counts, `day` or later; None when none comes."""
        if not self._weekdays:
            return min((one for one in self._in if one >= day), default=None)
        for _ in range(horizon_days):
            if self.allows(day):
                return day
            day += timedelta(days=1)
        return None


EVERY_DAY: Final = DayRule(CalendarRule())

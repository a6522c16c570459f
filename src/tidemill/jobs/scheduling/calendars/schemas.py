"""Bodies of calendars."""

from __future__ import annotations

from typing import Self

from msgspec import structs

from tidemill.core.clock import rfc3339
from tidemill.http import PageView
from tidemill.jobs.scheduling.calendars.models import Calendar, CalendarRule


class PutCalendar(CalendarRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days of a calendar: days of the week, without holidays, with days added."""

    @property
    def rule(self) -> CalendarRule:
        """Return the days."""
        return CalendarRule(**structs.asdict(self))


class CalendarView(CalendarRule, frozen=True, kw_only=True):
    """A calendar of the tenant."""

    name: str
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, calendar: Calendar) -> Self:
        """Return the view of `calendar`."""
        return cls(
            **structs.asdict(calendar.rule),
            name=calendar.name,
            version=calendar.version,
            created_at=rfc3339(calendar.created_at),
            created_by=calendar.created_by,
            updated_at=rfc3339(calendar.updated_at),
            updated_by=calendar.updated_by,
        )


class CalendarPage(PageView, frozen=True, kw_only=True):
    """A part of the list of calendars, by name."""

    items: list[CalendarView]

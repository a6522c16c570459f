"""When somebody is reminded of what is due; no I/O."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.core.clock import Instant, from_datetime, to_datetime

# A day begins first where clocks are furthest ahead of UTC.
_zone_ahead: Final = timedelta(hours=14)
_day: Final = timedelta(days=1)


class Waiting(Struct, frozen=True):
    """An unfinished item that has a day and somebody to do it, in the order of its columns.

    `due_at` is when its reminder is planned for; None where nobody has thought of it yet.
    """

    work_item_id: WorkItemId
    project_id: ProjectId
    project_key: str
    number: int
    user_id: str
    due_date: str
    due_at: Instant | None

    @property
    def key(self) -> str:
        """Return what people call the item."""
        return f"{self.project_key}-{self.number}"


def days_near(now: Instant) -> tuple[str, str]:
    """Return the first and the last day that anywhere on earth may be today or tomorrow."""
    here = to_datetime(now)
    return str((here - _day).date()), str((here + _zone_ahead + _day).date())


def reminded_at(due_date: str, hour: int, zone: ZoneInfo) -> Instant:
    """Return the hour of the day before, where the reader is."""
    day = date.fromisoformat(due_date) - _day
    return from_datetime(datetime(day.year, day.month, day.day, hour, tzinfo=zone))


def is_past(due_date: str, zone: ZoneInfo, now: Instant) -> bool:
    """Return whether the day is over where the reader is."""
    return date.fromisoformat(due_date) < to_datetime(now).astimezone(zone).date()


def thought_of_at(due_date: str) -> Instant:
    """Return when the day before begins anywhere on earth."""
    day = date.fromisoformat(due_date) - _day
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return from_datetime(begin - _zone_ahead)

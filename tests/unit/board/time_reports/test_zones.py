from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.board.time_reports.zones import monday_of, period_of, today
from tidemill.board.time_tracking.spans import day_of
from tidemill.core.clock import MICROSECONDS_PER_DAY, Instant

# Whole hours and halves, changes in both halves of the year, twice a year within a month, by half
# an hour, of the date line, and none at all.
_ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
    "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns",
)  # fmt: skip


def _day_by_offsets(instant: int, first: date, last: date, zone: ZoneInfo) -> int:
    """Return the day as the report's statement computes it."""
    for offset in period_of(first, last, zone).offsets:
        if offset.until is None or instant < offset.until:
            return (instant + offset.microseconds) // MICROSECONDS_PER_DAY
    raise AssertionError


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(_ZONES),
    first=st.dates(date(2001, 1, 1), date(2035, 1, 1)),
    days=st.integers(0, 400),
    share=st.floats(0, 1),
)
def test_period_of_gives_each_instant_the_day_of_its_clocks(
    name: str, first: date, days: int, share: float
) -> None:
    zone = ZoneInfo(name)
    last = first + timedelta(days=days)
    period = period_of(first, last, zone)
    instant = period.earliest + int((period.latest - period.earliest) * share)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)

    assert _day_by_offsets(instant, first, last, zone) == day_of(moment.astimezone(zone).date())


@pytest.mark.parametrize("name", _ZONES)
def test_period_of_holds_all_of_its_days(name: str) -> None:
    zone = ZoneInfo(name)
    day = date(2026, 3, 29)
    period = period_of(day, day, zone)

    begin = datetime(2026, 3, 29, tzinfo=zone).timestamp() * 1_000_000
    end = datetime(2026, 3, 29, 23, 59, 59, tzinfo=zone).timestamp() * 1_000_000
    assert period.earliest <= begin
    assert end <= period.latest


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_monday_of_is_the_begin_of_the_week(day: date) -> None:
    monday = monday_of((day_of(day) + 3) // 7)

    assert monday.isoweekday() == 1
    assert timedelta() <= day - monday < timedelta(days=7)


def test_today_is_the_day_of_the_zone() -> None:
    late = Instant(int(datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()) * 1_000_000)

    assert today(ZoneInfo("Europe/Berlin"), late) == date(2026, 3, 2)
    assert today(ZoneInfo("UTC"), late) == date(2026, 3, 1)

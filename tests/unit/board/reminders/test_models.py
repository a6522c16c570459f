from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tidemill.board.reminders.models import days_near, is_past, reminded_at, thought_of_at
from tidemill.core.clock import Instant, from_datetime


def _at(month: int, day: int, hour: int) -> Instant:
    return from_datetime(datetime(2026, month, day, hour, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", _at(3, 30, 8)),
        ("Pacific/Kiritimati", _at(3, 29, 18)),
        ("America/Los_Angeles", _at(3, 30, 15)),
    ],
)
def test_reminded_at_is_the_hour_of_the_day_before_in_the_readers_zone(
    zone: str, expected: Instant
) -> None:
    assert reminded_at("2026-03-31", 8, ZoneInfo(zone)) == expected


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Etc/GMT+12"])
@pytest.mark.parametrize("hour", [0, 23])
def test_thought_of_at_is_never_later_than_any_reminder(zone: str, hour: int) -> None:
    assert thought_of_at("2026-03-31") <= reminded_at("2026-03-31", hour, ZoneInfo(zone))


def test_days_near_hold_each_day_that_is_thought_of() -> None:
    begin = thought_of_at("2026-03-31")

    assert days_near(begin) == ("2026-03-28", "2026-03-31")
    assert days_near(Instant(begin - 1))[1] == "2026-03-30"


def test_is_past_goes_by_the_readers_day() -> None:
    now = _at(4, 1, 5)

    assert is_past("2026-03-31", ZoneInfo("UTC"), now)
    assert not is_past("2026-03-31", ZoneInfo("America/Los_Angeles"), now)

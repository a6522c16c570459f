from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tidemill.board.notification_mails.models import (
    is_signed,
    next_digest,
    retry_seconds,
    token_place,
    unsubscribe_token,
)
from tidemill.core.clock import from_datetime, to_datetime


@pytest.mark.parametrize(
    ("zone", "hour", "after", "wanted"),
    [
        ("UTC", 8, "2031-03-03T07:59:59Z", "2031-03-03T08:00:00Z"),
        ("UTC", 8, "2031-03-03T08:00:00Z", "2031-03-04T08:00:00Z"),
        ("Pacific/Auckland", 0, "2031-03-03T10:30:00Z", "2031-03-03T11:00:00Z"),
        ("America/New_York", 2, "2031-03-09T06:30:00Z", "2031-03-09T07:00:00Z"),
        ("America/New_York", 1, "2031-11-02T04:30:00Z", "2031-11-02T05:00:00Z"),
        ("Pacific/Kiritimati", 23, "2031-12-31T09:30:00Z", "2032-01-01T09:00:00Z"),
    ],
)
def test_next_digest_is_an_hour_on_the_readers_wall(
    zone: str, hour: int, after: str, wanted: str
) -> None:
    found = next_digest(from_datetime(datetime.fromisoformat(after)), hour, ZoneInfo(zone))

    assert to_datetime(found) == datetime.fromisoformat(wanted).astimezone(UTC)


def test_retry_seconds_grows_to_six_hours() -> None:
    waits = [retry_seconds(attempts, 0.5) for attempts in range(1, 8)]

    assert waits == [60, 240, 960, 3840, 15_360, 21_600, 21_600]


def test_unsubscribe_token_holds_for_one_member_of_one_tenant() -> None:
    place = token_place(unsubscribe_token("t", "u", "key"))

    assert place is not None
    assert is_signed(place, "key")
    assert not is_signed(place, "another")
    assert not is_signed(("t", "v", place[2]), "key")
    assert not is_signed(("s", "u", place[2]), "key")
    assert token_place("t.u") is None

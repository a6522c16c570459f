from __future__ import annotations

import pytest

from tidemill.automation.deliveries.models import problem_of, retry_seconds, succeeded


def test_retry_seconds_grow_over_hours() -> None:
    waits = [retry_seconds(attempts, 0.5) for attempts in range(1, 10)]

    assert waits == [10, 40, 160, 640, 2560, 10_240, 21_600, 21_600, 21_600]
    assert 20 * 3600 < sum(waits) < 24 * 3600
    assert retry_seconds(10_000, 0.5) == 21_600


def test_retry_seconds_are_spread_by_chance() -> None:
    assert retry_seconds(1, 0.0) == pytest.approx(8)
    assert retry_seconds(1, 1.0) == pytest.approx(12)


@pytest.mark.parametrize(
    ("status", "expected"), [(199, False), (200, True), (299, True), (300, False), (None, False)]
)
def test_succeeded_is_2xx(status: int | None, expected: bool) -> None:
    assert succeeded(status) is expected


def test_problem_of_tells_that_redirects_are_not_followed() -> None:
    assert "not followed" in problem_of(301)
    assert problem_of(500) == "The answer was 500."

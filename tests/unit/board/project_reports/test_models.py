from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.project_reports.models import (
    SprintResult,
    durations,
    forecast,
    horizon_days_max,
    velocity,
)
from tidemill.board.sprints.burndown import Totals
from tidemill.core.clock import Instant

TODAY = date(2026, 3, 2)


def _result(done: int, points: int) -> SprintResult:
    return SprintResult(
        sprint_id="s",
        name="S",
        ended_at=Instant(0),
        committed=Totals(),
        final=Totals(done_count=done, done_points=points),
    )


def test_velocity_is_mean_and_spread_of_what_was_done() -> None:
    found = velocity([_result(2, 10), _result(4, 20), _result(6, 30)])

    assert found.items is not None
    assert found.points is not None
    assert (found.items.mean, found.items.deviation) == (4, 2)
    assert (found.points.mean, found.points.deviation) == (20, 10)


def test_velocity_of_one_sprint_has_no_deviation_and_of_none_no_mean() -> None:
    one = velocity([_result(2, 10)])

    assert one.items is not None
    assert (one.items.mean, one.items.deviation) == (2, None)
    assert velocity([]).items is None


def test_durations_are_values_that_occurred() -> None:
    found = durations([second * 1_000_000 for second in (40, 10, 30, 20)])

    assert found.count == 4
    assert found.seconds == {50: 20, 75: 30, 85: 40, 95: 40}
    assert durations([]).seconds == {}


def test_forecast_of_a_steady_past_is_certain() -> None:
    found = forecast(10, [2, 2, 2], TODAY, seed=1)

    assert set(found.days.values()) == {5}
    assert set(found.dates.values()) == {date(2026, 3, 7)}


def test_forecast_of_nothing_left_is_today() -> None:
    assert set(forecast(0, [0, 0], TODAY, seed=1).dates.values()) == {TODAY}


def test_forecast_without_a_past_says_nothing() -> None:
    found = forecast(5, [0, 0, 0], TODAY, seed=1)

    assert (found.days, found.runs) == ({}, 0)


def test_forecast_beyond_ten_years_has_no_date() -> None:
    found = forecast(1_000_000, [1, 0, 0], TODAY, seed=1)

    assert set(found.dates.values()) == {None}


@given(
    st.integers(1, 200),
    st.lists(st.integers(0, 10), min_size=1, max_size=30).filter(any),
    st.integers(),
)
def test_forecast_is_later_the_surer_it_is(items: int, past: list[int], seed: int) -> None:
    days = [
        day or horizon_days_max for day in forecast(items, past, TODAY, seed=seed).days.values()
    ]

    assert days == sorted(days)
    assert days[0] >= -(-items // max(past))


@pytest.mark.parametrize("left", [1, 100])
def test_forecast_of_an_even_chance_is_near_the_mean(left: int) -> None:
    found = forecast(left * 10, [0, 2], TODAY, seed=7)

    assert found.days[50] == pytest.approx(left * 10, rel=0.35)

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.board.time_errors import (
    TimeInFuture,
    TimeNotPositive,
    TimerRuns,
    TimesUnclear,
    TimeTooLong,
    TimeTooOld,
)
from tidemill.board.time_tracking.spans import (
    Span,
    Times,
    changed_span,
    date_of,
    day_of,
    entry_seconds_max,
    new_span,
    stopped,
)
from tidemill.core.clock import Instant

NOW = Instant(1_772_442_000_500_000)
SECOND = 1_000_000
S = NOW // SECOND


def at(seconds: int) -> Instant:
    return Instant(seconds * SECOND)


@pytest.mark.parametrize(
    "times",
    [
        Times(started_at=S - 90, ended_at=S - 30),
        Times(started_at=S - 90, duration_seconds=60),
        Times(ended_at=S - 30, duration_seconds=60),
    ],
)
def test_new_span_follows_from_two_of_three(times: Times) -> None:
    assert new_span(times, NOW) == Span(at(S - 90), at(S - 30))


def test_new_span_of_a_day_begins_at_its_midnight() -> None:
    span = new_span(Times(date=date(2026, 3, 1), duration_seconds=60), NOW)

    assert (span.seconds, span.on_day) == (60, day_of(date(2026, 3, 1)))
    assert span.started_at == at(1_772_323_200)


def test_new_span_takes_a_clock_that_is_ahead_as_now() -> None:
    assert new_span(Times(started_at=S - 60, ended_at=S + 50), NOW).ended_at == at(S)
    with pytest.raises(TimeInFuture):
        new_span(Times(started_at=S - 60, ended_at=S + 61), NOW)


def test_new_span_knows_that_it_is_tomorrow_somewhere() -> None:
    tomorrow, day_after = date(2026, 3, 2), date(2026, 3, 3)

    new_span(Times(date=tomorrow, duration_seconds=1), Instant(NOW - 20 * 3_600 * SECOND))
    with pytest.raises(TimeInFuture):
        new_span(Times(date=day_after, duration_seconds=1), Instant(NOW - 20 * 3_600 * SECOND))


@pytest.mark.parametrize(
    ("old", "times", "expected"),
    [
        ((S - 100, S - 50, None), {"duration_seconds": 10}, (S - 100, S - 90, None)),
        ((S - 100, S - 50, None), {"started_at": S - 60}, (S - 60, S - 50, None)),
        ((S - 100, S - 50, None), {"ended_at": S - 90}, (S - 100, S - 90, None)),
        ((S - 100, S - 50, None), {"ended_at": S, "duration_seconds": 5}, (S - 5, S, None)),
        ((S - 100, S - 50, None), {}, (S - 100, S - 50, None)),
        ((0, 50, 0), {"started_at": S - 60}, (S - 60, S - 10, None)),
        ((0, 50, 0), {"ended_at": S - 10}, (S - 60, S - 10, None)),
    ],
)
def test_changed_span_keeps_what_is_not_named(
    old: tuple[int, int, int | None], times: dict[str, Any], expected: tuple[int, int, int | None]
) -> None:
    changed = changed_span(Span(at(old[0]), at(old[1]), old[2]), Times(**times), NOW)

    assert changed == Span(at(expected[0]), at(expected[1]), expected[2])


def test_changed_span_of_a_day_keeps_the_day() -> None:
    day = new_span(Times(date=date(2026, 3, 1), duration_seconds=60), NOW)

    longer = changed_span(day, Times(duration_seconds=90), NOW)
    earlier = changed_span(day, Times(date=date(2026, 2, 28)), NOW)

    assert (longer.on_day, longer.seconds) == (day.on_day, 90)
    assert (earlier.on_day, earlier.seconds) == (day_of(date(2026, 2, 28)), 60)


def test_changed_span_of_a_timer_moves_its_begin_alone() -> None:
    timer = Span(at(S - 100), None)

    assert changed_span(timer, Times(started_at=S - 200), NOW) == Span(at(S - 200), None)
    for times in (Times(ended_at=S - 1), Times(duration_seconds=5)):
        with pytest.raises(TimerRuns) as refused:
            changed_span(timer, times, NOW)
        assert (refused.value.param,) == times.named
    with pytest.raises(TimeTooLong):
        changed_span(timer, Times(started_at=S - entry_seconds_max - 1), NOW)


def test_stopped_never_ends_before_the_begin_nor_after_a_day() -> None:
    assert stopped(at(S - 10), NOW) == at(S)
    assert stopped(at(S + 10), NOW) == at(S + 10)
    assert stopped(at(S - 2 * entry_seconds_max), NOW) == at(S - entry_seconds_max)


_SECONDS = st.one_of(
    st.integers(S - 200_000, S + 200), st.integers(0, 2**40), st.sampled_from([0, S, S - 86_400])
)
_TIMES = st.fixed_dictionaries(
    {},
    optional={
        "started_at": _SECONDS,
        "ended_at": _SECONDS,
        "duration_seconds": st.integers(-1, 90_000) | st.integers(0, 2**40),
        "date": st.dates(),
    },
)


@settings(max_examples=300, deadline=None)
@given(first=_TIMES, changes=st.lists(_TIMES, max_size=4))
def test_span_holds_its_bounds_whatever_is_said(
    first: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    """Never in the future, never negative, at most a day, in whole seconds; or a named refusal."""
    span: Span | None = None
    for said in [first, *changes]:
        times = Times(**said)
        try:
            span = new_span(times, NOW) if span is None else changed_span(span, times, NOW)
        except (TimesUnclear, TimeInFuture, TimeNotPositive, TimeTooLong, TimeTooOld):
            continue
        assert span.ended_at is not None
        assert 0 < span.ended_at - span.started_at <= entry_seconds_max * SECOND
        assert span.started_at % SECOND == span.ended_at % SECOND == 0
        if span.on_day is None:
            assert span.ended_at <= NOW
        else:
            assert date_of(span.on_day) <= date(2026, 3, 3)

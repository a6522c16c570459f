from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tidemill.board.contract import SprintId
from tidemill.board.sprint_scope.models import ScopeEvent, ScopeKind
from tidemill.board.sprints.burndown import Span, Totals, burndown, day_of
from tidemill.core.clock import Instant

BERLIN = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")
# Monday to the Tuesday after.
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 10)


def _at(text: str, zone: ZoneInfo = UTC) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000)


def _event(kind: ScopeKind, at: str, *, scope: int = 0, done: int = 0) -> ScopeEvent:
    return ScopeEvent(
        sprint_id=SprintId("a"),
        kind=kind,
        scope_count=(scope > 0) - (scope < 0),
        scope_points=scope,
        done_count=(done > 0) - (done < 0),
        done_points=done,
        at=_at(at),
    )


def _span(started: str | None = "2026-03-02T09:00", ended: str | None = None) -> Span:
    return Span(
        start=MONDAY,
        end=TUESDAY,
        started_at=_at(started) if started else None,
        ended_at=_at(ended) if ended else None,
    )


def test_burndown_counts_what_was_planned_before_the_start_as_committed() -> None:
    events = [
        _event(ScopeKind.ADD, "2026-02-20T12:00", scope=5),
        _event(ScopeKind.ADD, "2026-03-02T08:00", scope=8),
        _event(ScopeKind.ADD, "2026-03-04T12:00", scope=3),
        _event(ScopeKind.DONE, "2026-03-05T12:00", done=8),
    ]

    course = burndown(events, _span(), zone=UTC, now=_at("2026-03-06T12:00"))

    assert course.committed == Totals(scope_count=2, scope_points=13)
    points = [
        (day.actual.scope_points, day.actual.done_points) for day in course.days if day.actual
    ]
    assert points == [(13, 0), (13, 0), (16, 0), (16, 8), (16, 8)]
    assert [day.actual for day in course.days[5:]] == [None] * 4


def test_burndown_goes_ideally_over_working_days_to_nothing() -> None:
    events = [_event(ScopeKind.ADD, "2026-03-01T12:00", scope=7)]

    days = burndown(events, _span(), zone=UTC, now=_at("2026-03-02T12:00")).days

    # Saturday and Sunday ask for nothing.
    assert [day.ideal_points for day in days] == [6, 5, 4, 3, 2, 2, 2, 1, 0]


def test_burndown_of_a_weekend_alone_goes_over_its_days() -> None:
    span = Span(
        start=date(2026, 3, 7),
        end=date(2026, 3, 8),
        started_at=_at("2026-03-07T00:00"),
        ended_at=None,
    )
    events = [_event(ScopeKind.ADD, "2026-03-06T12:00", scope=4)]

    days = burndown(events, span, zone=UTC, now=_at("2026-03-07T12:00")).days

    assert [day.ideal_points for day in days] == [2, 0]


def test_burndown_ends_its_days_at_midnight_of_the_project() -> None:
    late = "2026-03-03T23:30"  # In Berlin it is half past midnight of the 4th.
    events = [
        _event(ScopeKind.ADD, "2026-03-01T12:00", scope=5),
        _event(ScopeKind.DONE, late, done=5),
    ]
    now = _at("2026-03-06T12:00")

    in_utc = burndown(events, _span(), zone=UTC, now=now).days
    in_berlin = burndown(events, _span(), zone=BERLIN, now=now).days

    assert [day.actual.done_points for day in in_utc[:3] if day.actual] == [0, 5, 5]
    assert [day.actual.done_points for day in in_berlin[:3] if day.actual] == [0, 0, 5]


def test_burndown_leaves_out_what_was_carried_over_at_the_end() -> None:
    events = [
        _event(ScopeKind.ADD, "2026-03-01T12:00", scope=5),
        _event(ScopeKind.CARRY_OVER, "2026-03-12T12:00", scope=-5),
    ]

    course = burndown(
        events, _span(ended="2026-03-12T12:00"), zone=UTC, now=_at("2026-04-01T00:00")
    )

    assert course.final.scope_points == 5
    # It ended two days late, and those days are shown.
    assert course.days[-1].date == date(2026, 3, 12)
    assert all(day.actual and day.actual.scope_points == 5 for day in course.days)


def test_burndown_of_a_planned_sprint_has_no_course_yet() -> None:
    events = [_event(ScopeKind.ADD, "2026-02-01T12:00", scope=5)]

    course = burndown(events, _span(started=None), zone=UTC, now=_at("2026-03-04T12:00"))

    assert course.committed.scope_points == 5
    assert {day.actual for day in course.days} == {None}


def test_day_of_follows_summer_time() -> None:
    assert day_of(_at("2026-03-28T22:59"), BERLIN) == date(2026, 3, 28)
    assert day_of(_at("2026-03-28T23:00"), BERLIN) == date(2026, 3, 29)
    assert day_of(_at("2026-03-29T22:00"), BERLIN) == date(2026, 3, 30)


def test_burndown_of_a_sprint_that_was_forgotten_stops_a_year_after_its_end() -> None:
    span = Span(
        start=date(1, 1, 1),
        end=date(1, 1, 14),
        started_at=_at("2026-03-02T09:00"),
        ended_at=_at("2026-03-10T12:00"),
    )
    events = [_event(ScopeKind.ADD, "2026-03-02T08:00", scope=8)]

    course = burndown(events, span, zone=BERLIN, now=_at("2026-03-10T12:00"))

    assert len(course.days) == 14 + 366
    assert (course.committed.scope_points, course.final.scope_points) == (8, 8)

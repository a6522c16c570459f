"""Due times over every change of the clock: the rule, checked against a plain reading of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.core.clock import Instant, from_datetime, to_datetime
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, CalendarRule
from tidemill.jobs.scheduling.schedules.models import Days, Definition, Trigger
from tidemill.jobs.scheduling.schedules.timetables import Timetable, time_of_day
from tidemill.jobs.scheduling.schedules.walls import instant_of, wall_of, zone_of

EVERY_DAY = CalendarRule()
ZERO = Instant(0)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def changes(zone: str) -> list[Instant]:
    """Return the days from 2024 to 2032 within which the clock of `zone` is changed."""
    where, first = ZoneInfo(zone), utc(2024, 1, 1)
    days = [first + timedelta(days=day) for day in range(2_920)]
    offsets = [day.astimezone(where).utcoffset() for day in days]
    found = [day for day, (old, new) in zip(days, pairwise(offsets), strict=False) if old != new]
    return [from_datetime(day) for day in found or [first]]


# By an hour, by half an hour, at midnight, in the south, at odd times of the year, and never.
CHANGES = {
    zone: changes(zone)
    for zone in (
        "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "America/Santiago",
        "Africa/Casablanca", "America/New_York", "Asia/Kolkata",
    )
}  # fmt: skip


@st.composite
def places(draw: st.DrawFn, *, without: str = "") -> tuple[str, Instant]:
    """Draw a zone, and an instant a few days around a change of its clock."""
    zone = draw(st.sampled_from([name for name in CHANGES if name != without]))
    change = draw(st.sampled_from(CHANGES[zone]))
    return zone, Instant(change + draw(st.integers(-3 * 86_400, 2 * 86_400)) * 1_000_000)


def table(
    trigger: Trigger,
    calendar: CalendarRule = EVERY_DAY,
    anchor: Instant = ZERO,
    **fields: object,
) -> Timetable:
    definition = Definition(script_path="x", trigger=trigger, **fields)  # type: ignore[arg-type]
    return Timetable(definition, calendar, anchor)


def walls(trigger: Trigger, start: datetime, count: int) -> list[str]:
    zone = zone_of(trigger.zone)
    found = islice(table(trigger).after(from_datetime(start)), count)
    return [f"{wall_of(due, zone):%d %H:%M}" for due in found]


@settings(max_examples=300)
@given(place=places())
def test_instant_of_is_the_first_time_or_the_jump(place: tuple[str, Instant]) -> None:
    where = ZoneInfo(place[0])
    # What the clock would show without its changes: also what it never shows.
    wall = to_datetime(place[1]).replace(tzinfo=None, second=0)
    found = instant_of(wall, where)
    shown = wall_of(found, where)

    assert shown >= wall
    if shown == wall:
        # An hour or less before, the clock did not show it yet.
        for minutes in (30, 60):
            before = Instant(found - minutes * 60_000_000)
            assert wall_of(before, where) != wall
    else:
        last = wall_of(Instant(found - 1_000_000), where)
        assert last < wall < shown
        assert shown - last > timedelta(seconds=1), "it is the jump itself"


@settings(max_examples=60)
@given(
    place=places(),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_a_time_of_day_happens_once_a_day(
    place: tuple[str, Instant], hour: int, minute: int
) -> None:
    zone, start = place
    trigger = Trigger(cron=f"{minute} {hour} * * *", zone=zone)
    found = list(islice(table(trigger).after(start), 400))

    days = [_day_of(due, time(hour, minute), ZoneInfo(zone)) for due in found]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
    assert found == [
        instant_of(datetime.combine(day, time(hour, minute)), ZoneInfo(zone)) for day in days
    ]


@settings(max_examples=60)
@given(place=places(without="Australia/Lord_Howe"), step=st.sampled_from([1, 5, 10, 15, 20, 30]))
def test_a_beat_neither_rests_nor_doubles(place: tuple[str, Instant], step: int) -> None:
    """Where clocks change by whole hours, all that divides the hour stays even."""
    zone, start = place
    trigger = Trigger(cron=f"*/{step} * * * *", zone=zone)
    found = list(islice(table(trigger).after(start), 500))

    gaps = {later - earlier for earlier, later in pairwise(found)}
    assert gaps == {step * 60_000_000}


@settings(max_examples=60)
@given(
    place=places(),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=23),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
)
def test_a_cron_of_hours_is_every_wall_time_once(
    place: tuple[str, Instant], hours: set[int], minutes: set[int]
) -> None:
    """Q26."""
    zone, start = place
    where = ZoneInfo(zone)
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    found = list(islice(table(Trigger(cron=cron, zone=zone)).after(start), 60))

    first = wall_of(start, where).date() - timedelta(days=2)
    named = {
        instant_of(datetime.combine(first + timedelta(days=day), time(hour, minute)), where)
        for day in range(70)
        for hour in hours
        for minute in minutes
    }
    assert found == sorted(due for due in named if due > start)[:60]


@settings(max_examples=60)
@given(
    place=places(),
    trigger=st.sampled_from(
        [
            Trigger(cron="*/7 3-5 * * *"),
            Trigger(cron="0 0 0 L * *"),
            Trigger(cron="15 10 * * * *"),
            Trigger(times=("02:30", "00:10", "23:59:59")),
            Trigger(every_seconds=5_400),
        ]
    ),
    skipped=st.integers(0, 30),
)
def test_due_times_do_not_depend_on_where_one_starts(
    place: tuple[str, Instant], trigger: Trigger, skipped: int
) -> None:
    zone, start = place
    trigger = Trigger(
        cron=trigger.cron, times=trigger.times, every_seconds=trigger.every_seconds, zone=zone
    )
    found = list(islice(table(trigger).after(start), 40))
    again = list(islice(table(trigger).after(found[skipped]), 39 - skipped))

    assert found == sorted(set(found))
    assert again == found[skipped + 1 :]
    assert table(trigger).first_from(found[skipped]) == found[skipped]
    between = table(trigger).between(found[0], found[-1], limit=1_000)
    assert between == found


@settings(max_examples=40)
@given(
    place=places(),
    calendar=st.sampled_from(sorted(BUILT_IN)),
    include=st.sets(st.dates(date(2032, 1, 1), date(2032, 3, 1)), max_size=5),
    exclude=st.sets(st.dates(date(2024, 1, 1), date(2032, 3, 1)), max_size=20),
)
def test_days_are_those_of_the_calendar(
    place: tuple[str, Instant], calendar: str, include: set[date], exclude: set[date]
) -> None:
    days = Days(calendar=calendar, include=tuple(include), exclude=tuple(exclude))
    made = table(Trigger(cron="0 12 * * *"), BUILT_IN[calendar], days=days)
    found = [to_datetime(due).date() for due in islice(made.after(place[1]), 50)]

    assert not set(found) & exclude
    for day in found:
        in_week = {"every-day": True, "no-day": False}.get(
            calendar, (day.weekday() < 5) == (calendar == "weekdays")
        )
        assert in_week or day in include
    if calendar == "no-day":
        assert found == sorted(include - exclude)


@pytest.mark.parametrize(
    "trigger",
    [Trigger(cron="0 12 * * 1"), Trigger(every_seconds=7 * 86_400)],
    ids=["cron", "interval"],
)
def test_days_that_never_fall_together_end_the_search(trigger: Trigger) -> None:
    start_at = utc(2026, 3, 30, 12)
    made = table(trigger, BUILT_IN["weekends"], start_at=start_at)

    assert start_at.weekday() == 0
    assert made.first_after(from_datetime(start_at)) is None


@pytest.mark.parametrize(
    ("cron", "start", "shown"),
    [
        ("30 2 * * *", utc(2026, 3, 28, 12), ["29 03:00", "30 02:30"]),
        ("*/15 2 * * *", utc(2026, 3, 28, 12), ["29 03:00", "30 02:00", "30 02:15"]),
        ("0 * * * *", utc(2026, 3, 29, 0, 30), ["29 03:00", "29 04:00"]),
        ("30 2 * * *", utc(2026, 10, 24, 12), ["25 02:30", "26 02:30"]),
        ("0 2,3 * * *", utc(2026, 10, 24, 12), ["25 02:00", "25 03:00", "26 02:00"]),
        ("0 * * * *", utc(2026, 10, 24, 23, 30), ["25 02:00", "25 02:00", "25 03:00"]),
    ],
    ids=["gap", "gap once", "gap beat", "fold", "fold hours", "fold beat"],
)
def test_the_change_of_the_clock_in_berlin(cron: str, start: datetime, shown: list[str]) -> None:
    trigger = Trigger(cron=cron, zone="Europe/Berlin")

    assert walls(trigger, start, len(shown)) == shown


def test_an_interval_counts_from_its_start() -> None:
    start = utc(2026, 1, 1, 5)
    anchored = table(Trigger(every_seconds=3_600), anchor=from_datetime(start))
    started = table(Trigger(every_seconds=3_600), start_at=start, end_at=start + timedelta(hours=2))

    assert anchored.first_from(Instant(0)) == from_datetime(start + timedelta(hours=1))
    assert list(started.after(Instant(0))) == [
        from_datetime(start),
        from_datetime(start + timedelta(hours=1)),
    ]


@pytest.mark.parametrize("text", ["24:00", "6 o'clock", "", "06:30+01:00", "06:30:00.5"])
def test_time_of_day_says_what_is_right(text: str) -> None:
    with pytest.raises(ValueError, match="06:30"):
        time_of_day(text)


def _day_of(due: Instant, at: time, zone: ZoneInfo) -> date:
    """Return the day whose `at` this is; a jump may have moved it past midnight."""
    shown = wall_of(due, zone)
    for day in (shown.date(), shown.date() - timedelta(days=1)):
        if instant_of(datetime.combine(day, at), zone) == due:
            return day
    raise AssertionError(f"{shown} is not {at} of any day")

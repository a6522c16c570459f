"""Whether a definition can hold: each error names the field and what would be right; no I/O."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.clock import (
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    Instant,
    from_datetime,
    rfc3339,
)
from tidemill.jobs.schedule_errors import ScheduleCycle, ScheduleInvalid
from tidemill.jobs.scheduling.calendars.models import CalendarRule
from tidemill.jobs.scheduling.schedules.crons import BadCron, normal
from tidemill.jobs.scheduling.schedules.models import Definition, Missed, Overlap, Schedule
from tidemill.jobs.scheduling.schedules.timetables import Timetable, time_of_day
from tidemill.jobs.scheduling.schedules.walls import UnknownZone, zone_of

_advised_max: Final = 3
_DEFAULTS: Final = {one.name: one.default for one in structs.fields(Definition)}
_end_max: Final = 253_402_300_799 * MICROSECONDS_PER_SECOND
_due_max: Final = 250_246_627_200 * MICROSECONDS_PER_SECOND
"""The year 9900: for the times that follow one looks 50 years ahead, and dates have an end."""


def check(definition: Definition) -> None:
    """Raise `ScheduleInvalid` for the first field that cannot hold, whatever else there is."""
    trigger = definition.trigger
    kinds = trigger.kinds
    if len(kinds) > 1:
        raise ScheduleInvalid("trigger", f"choose one of {' and '.join(kinds)}.")
    if not kinds and not definition.after:
        raise ScheduleInvalid(
            "trigger", "say when: cron, every_seconds, at or times; or name schedules in after."
        )
    _valued("trigger.zone", UnknownZone, partial(zone_of, trigger.zone))
    if trigger.cron is not None:
        _valued("trigger.cron", BadCron, partial(normal, trigger.cron))
    for index, text in enumerate(trigger.times):
        _valued(f"trigger.times[{index}]", ValueError, partial(time_of_day, text))
    _in_range("start_at", definition.start_at, most=_due_max, year=9900)
    _in_range("end_at", definition.end_at, most=_end_max, year=9999)
    _in_range("trigger.at", trigger.at, most=_due_max, year=9900)
    start, end = definition.start_at, definition.end_at
    if start is not None and end is not None and end <= start:
        raise ScheduleInvalid("end_at", "it must be later than start_at.")
    _check_dependencies(definition)
    _check_effects(definition)
    for name, handler in definition.handlers.items():
        if (handler.script_path is None) == (handler.function is None):
            raise ScheduleInvalid(f"{name}.script_path", "name either a script or a function.")


def check_fresh(definition: Definition, history_days: int) -> None:
    """Raise `ScheduleInvalid` when a dependency counts runs that are forgotten by then."""
    most = history_days * MICROSECONDS_PER_DAY // MICROSECONDS_PER_SECOND
    for index, dependency in enumerate(definition.after):
        if dependency.fresh_seconds > most:
            raise ScheduleInvalid(
                f"after[{index}].fresh_seconds",
                f"it is at most {most}: runs are kept for {history_days} days (jobs.history_days).",
            )
        together = dependency.fresh_seconds + definition.wait_seconds_max
        if together > most:
            raise ScheduleInvalid(
                "wait_seconds_max",
                f"with after[{index}].fresh_seconds it makes {together}, and {most} are the most: "
                f"runs are kept for {history_days} days (jobs.history_days), so one that counts "
                "would be forgotten during the wait.",
            )


def first_due(
    definition: Definition, calendar: CalendarRule, *, anchor_at: Instant, now: Instant
) -> Instant | None:
    """Return the first due time from `now`; raises `ScheduleInvalid` when there is none."""
    if definition.follows:
        return None
    due = Timetable(definition, calendar, anchor_at).first_from(now)
    if due is not None:
        return due
    trigger = definition.trigger
    if trigger.at is not None and from_datetime(trigger.at) < now:
        raise ScheduleInvalid("trigger.at", f"this has passed; it is {rfc3339(now)} now.")
    if definition.end_at is not None and from_datetime(definition.end_at) <= now:
        raise ScheduleInvalid("end_at", f"this has passed; it is {rfc3339(now)} now.")
    field = f"trigger.{trigger.kinds[0]}"
    raise ScheduleInvalid(
        field, "this never fires on the days and between the instants that are given."
    )


def next_due(schedule: Schedule, rule: CalendarRule, now: Instant) -> Instant | None:
    """Return the first due time to come, or that has come and has no row yet."""
    timetable = Timetable(schedule.definition, rule, schedule.anchor_at)
    if schedule.next_at is not None and schedule.next_at <= now:
        return timetable.first_from(schedule.next_at)
    return timetable.first_after(now)


def first_to_come(schedule: Schedule, rule: CalendarRule, now: Instant) -> Instant | None:
    """Return the first due time after `now`, or after a rest whose end is known."""
    timetable = Timetable(schedule.definition, rule, schedule.anchor_at)
    until = schedule.paused_until if schedule.paused(now) else None
    return timetable.first_after(now) if until is None else timetable.first_from(until)


def calendar_of(definition: Definition, known: Mapping[str, CalendarRule]) -> CalendarRule:
    """Return the calendar that a definition names; raises `ScheduleInvalid` for none."""
    name = definition.days.calendar
    if name not in known:
        raise ScheduleInvalid("days.calendar", f"there is no {name!r}; {advice(name, known)}")
    return known[name]


def check_acyclic(path: str, after: Iterable[str], edges: Mapping[str, Sequence[str]]) -> None:
    """Raise `ScheduleCycle` when `path` after `after` would wait for itself.

    `edges` says what each other schedule runs after.
    """
    graph = {**edges, path: tuple(after)}
    trail: list[str] = []
    done: set[str] = set()

    stack: list[tuple[str, int]] = [(path, 0)]
    while stack:
        name, position = stack.pop()
        if position == 0:
            trail.append(name)
        following = graph.get(name, ())
        if position == len(following):
            done.add(name)
            trail.pop()
            continue
        stack.append((name, position + 1))
        target = following[position]
        if target in trail:
            raise ScheduleCycle([*trail[trail.index(target) :], target])
        if target not in done:
            stack.append((target, 0))


def unknown_dependency(index: int, path: str, told: str) -> ScheduleInvalid:
    """Return the error of a schedule in `after` that is not there."""
    return ScheduleInvalid(f"after[{index}].path", f"there is no schedule {path!r}; {told}")


def advice(wanted: str, known: Iterable[str]) -> str:
    """Return a sentence that names what is nearest to `wanted`."""
    names = sorted(known)
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(names[:_advised_max])}, …" if names else "there are none yet."


def _check_dependencies(definition: Definition) -> None:
    paths = [one.path for one in definition.after]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ScheduleInvalid("after", f"{twice} is named twice; once is enough.")


def _check_effects(definition: Definition) -> None:
    """Raise `ScheduleInvalid` for what was said and would have no effect."""
    overlap, missed = definition.overlap, definition.missed
    # Together with `all` runs wait that are skipped else; see `Definition.policy`.
    queues = definition.policy is Overlap.QUEUE_ALL
    included, excluded = definition.days.include, definition.days.exclude
    for field, without_effect, reason in (
        ("queue_max", not queues, f"it counts with overlap queue_all, and this is {overlap}."),
        ("catch_up_max", missed is not Missed.ALL, f"it counts with missed all, not {missed}."),
        ("wait_seconds_max", not definition.after, "it counts with after, which is empty."),
    ):
        if without_effect and getattr(definition, field) != _DEFAULTS[field]:
            raise ScheduleInvalid(field, f"{reason} Leave it out.")
    for field, dates, calendar in (
        ("days.include", included, "every-day"),
        ("days.exclude", excluded, "no-day"),
    ):
        if dates and definition.days.calendar == calendar:
            raise ScheduleInvalid(field, f"{calendar} needs none; choose another calendar.")


def _in_range(name: str, moment: datetime | None, *, most: int, year: int) -> None:
    if moment is not None and not 0 <= from_datetime(moment) <= most:
        raise ScheduleInvalid(name, f"it must lie between the years 1970 and {year}.")


def _valued(param: str, error: type[ValueError], build: Callable[[], object]) -> None:
    try:
        build()
    except error as reason:
        raise ScheduleInvalid(param, str(reason)) from None

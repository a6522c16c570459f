"""Which due times have come, and which of them nobody starts any more; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.scheduling.occurrences.models import OccurrenceState
from tidemill.jobs.scheduling.schedules.models import Missed, Schedule
from tidemill.jobs.scheduling.schedules.timetables import Timetable

late_seconds: Final = 60
"""How late a due time may be noticed and still count as on time."""
each_max: Final = 50
"""How many due times in a row, of those that nobody starts, get a row each."""
scanned_max: Final = 50_000
"""How many due times are gone through at once after a long absence."""


class Planned(Struct, frozen=True, kw_only=True):
    """A row to be written: a due time, or many up to `through_at`."""

    due_at: Instant
    through_at: Instant
    dues: int = 1
    state: OccurrenceState = OccurrenceState.PENDING
    reason: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """What has come due, and what comes next."""

    rows: tuple[Planned, ...] = ()
    next_at: Instant | None = None


def plan(schedule: Schedule, timetable: Timetable, *, now: Instant) -> Plan:
    """Return the rows of all due times up to `now`, by the rule for missed ones."""
    if schedule.next_at is None or schedule.next_at > now:
        return Plan(next_at=schedule.next_at)
    dues = timetable.between(schedule.next_at, now, limit=scanned_max + 1)
    more, dues = len(dues) > scanned_max, dues[:scanned_max]
    rested = [due for due in dues if _rests(schedule, due)]
    awake = [due for due in dues if not _rests(schedule, due)]
    late_before = now - late_seconds * MICROSECONDS_PER_SECOND
    late = [due for due in awake if due < late_before]
    on_time = [due for due in awake if due >= late_before]
    caught_up = [] if more else _caught_up(schedule, late, on_time)
    missed = late[: len(late) - len(caught_up)]
    rows = [
        *_unstarted(missed, OccurrenceState.MISSED, "nothing could start it at its time"),
        *_unstarted(rested, OccurrenceState.SKIPPED, "the schedule was paused"),
        *(Planned(due_at=due, through_at=due) for due in (*caught_up, *on_time)),
    ]
    return Plan(rows=tuple(rows), next_at=timetable.first_after(dues[-1] if more else now))


def _caught_up(
    schedule: Schedule, late: Sequence[Instant], on_time: Sequence[Instant]
) -> Sequence[Instant]:
    match schedule.definition.missed:
        case Missed.SKIP:
            return []
        case Missed.LAST:
            return [] if on_time else late[-1:]
        case Missed.ALL:
            return late[-schedule.definition.catch_up_max :]


def _rests(schedule: Schedule, due: Instant) -> bool:
    if schedule.paused_at is None or schedule.paused_until is None:
        return False
    return schedule.paused_at <= due < schedule.paused_until


def _unstarted(dues: Sequence[Instant], state: OccurrenceState, reason: str) -> list[Planned]:
    """Return rows for `dues`: the latest each, and one for all before."""
    gap, each = dues[:-each_max], dues[-each_max:]
    rows = [Planned(due_at=due, through_at=due, state=state, reason=reason) for due in each]
    if gap:
        first = Planned(
            due_at=gap[0], through_at=gap[-1], dues=len(gap), state=state, reason=reason
        )
        rows.insert(0, first)
    return rows

"""What is done about an occurrence that is due: start it, wait, or skip it; no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState, Origin
from tidemill.jobs.scheduling.schedules.models import After, Dependency, Overlap, Schedule
from tidemill.jobs.scheduling.schedules.timetables import Timetable


class Verdict(StrEnum):
    """What is done about a pending occurrence now."""

    START = "start"
    WAIT = "wait"
    SKIP = "skip"


class Decision(Struct, frozen=True, kw_only=True):
    """What is done, why, and when it is looked at again; `cancel` ends the runs before it."""

    verdict: Verdict
    reason: str | None = None
    wake_at: Instant | None = None
    cancel: bool = False


class Finding(Struct, frozen=True, kw_only=True):
    """What a dependency has come to for a due time: done, or not yet, or never."""

    done: bool = False
    never: bool = False
    reason: str | None = None


_START: Final = Decision(verdict=Verdict.START)
_DONE: Final = Finding(done=True)


def find(
    dependency: Dependency,
    schedule: Schedule,
    timetable: Timetable | None,
    latest: Occurrence | None,
    *,
    due_at: Instant,
    now: Instant,
) -> Finding:
    """Return what the schedule of `dependency` has come to for `due_at`.

    `latest` is its last occurrence that was due by then. It only counts as the run for this due
    time when no later due time of that schedule lies before it: a schedule that was switched off
    has not run, whatever it did yesterday.
    """
    oldest = due_at - dependency.fresh_seconds * MICROSECONDS_PER_SECOND
    if latest is None or latest.through_at <= oldest or _is_behind(timetable, latest, due_at):
        return Finding(reason=_absence(schedule, now))
    return _judged(dependency, latest)


def _is_behind(timetable: Timetable | None, latest: Occurrence, due_at: Instant) -> bool:
    if timetable is None:
        return False
    following = timetable.first_after(latest.through_at)
    return following is not None and following <= due_at


def _absence(schedule: Schedule, now: Instant) -> str:
    if not schedule.enabled:
        return f"{schedule.path} is switched off and has not run for this time"
    if schedule.paused(now):
        return f"{schedule.path} is paused and has not run for this time"
    return f"{schedule.path} has not come due for this time"


def _judged(dependency: Dependency, run: Occurrence) -> Finding:
    path = dependency.path
    if run.state is OccurrenceState.PENDING:
        return Finding(reason=f"{path} has not started yet")
    if run.state is OccurrenceState.STARTED:
        return Finding(reason=f"{path} is running")
    good = {
        After.SUCCESS: {OccurrenceState.SUCCEEDED},
        After.FINISH: {OccurrenceState.SUCCEEDED, OccurrenceState.FAILED},
    }
    if dependency.on is After.ANY or run.state in good[dependency.on]:
        return _DONE
    was = "failed" if run.state is OccurrenceState.FAILED else f"was {run.state}"
    return Finding(never=True, reason=f"{path} {was}")


def decide(
    schedule: Schedule,
    pending: Sequence[tuple[Occurrence, Sequence[Finding]]],
    *,
    running: Mapping[str, int],
    now: Instant,
) -> list[Decision]:
    """Return what is done about each pending occurrence, which come in the order of due times.

    `running` tells how many are under way of each origin. What fills a range is a line of its own:
    neither waits for the other, or is cancelled or skipped for it.
    """
    under_way = Counter(running)
    first = [_alone(schedule, one, findings, now) for one, findings in pending]
    ready = [index for index, decision in enumerate(first) if decision.verdict is Verdict.START]
    # Whoever is started by hand, or fills a range, takes nobody's place.
    in_turn = [index for index in ready if pending[index][0].origin == Origin.SCHEDULE]
    waiting = 0
    for index in ready:
        origin = pending[index][0].origin
        fills, by_hand = origin == Origin.BACKFILL, under_way[Origin.MANUAL]
        decision = _overlapping(
            _policy(schedule, pending[index][0]),
            running=under_way[origin] if fills else under_way[Origin.SCHEDULE] + by_hand,
            by_hand=by_hand,
            waiting=waiting,
            # What fills a range has its bound when it is asked for.
            queue_max=None if fills else schedule.definition.waiting_max,
            is_last=index in in_turn[-1:],
        )
        first[index] = decision
        under_way[origin] += decision.verdict is Verdict.START
        waiting += decision.verdict is Verdict.WAIT and not fills
    return first


def _alone(
    schedule: Schedule, occurrence: Occurrence, findings: Sequence[Finding], now: Instant
) -> Decision:
    """Return what would be done if nothing else of the schedule ran."""
    if occurrence.origin == Origin.MANUAL:
        # Whoever says now means now.
        return _START
    if not schedule.enabled:
        return _skip("the schedule was switched off")
    if schedule.paused(now):
        return _wait("the schedule is paused", schedule.paused_until)
    if now < occurrence.starts_at:
        return _wait("its time has not come", occurrence.starts_at)
    return _after_others(schedule, occurrence, findings, now)


def _after_others(
    schedule: Schedule, occurrence: Occurrence, findings: Sequence[Finding], now: Instant
) -> Decision:
    never = next((one for one in findings if one.never), None)
    if never is not None:
        return _skip(never.reason or "")
    missing = next((one for one in findings if not one.done), None)
    if missing is None:
        return _START
    patience = schedule.definition.wait_seconds_max * MICROSECONDS_PER_SECOND
    # One that is filled again begins to wait anew.
    begun = max(occurrence.due_at, occurrence.created_at, occurrence.starts_at)
    until = Instant(begun + patience)
    if now >= until:
        return _skip(f"{missing.reason}, and the wait for it is over")
    return _wait(missing.reason or "", until)


def _policy(schedule: Schedule, occurrence: Occurrence) -> Overlap:
    policy = schedule.definition.policy
    if occurrence.origin == Origin.MANUAL:
        return Overlap.ALLOW
    if occurrence.origin == Origin.BACKFILL and policy is not Overlap.ALLOW:
        # Whoever fills a range wants all of it.
        return Overlap.QUEUE_ALL
    return policy


def _overlapping(
    policy: Overlap,
    *,
    running: int,
    by_hand: int,
    waiting: int,
    queue_max: int | None,
    is_last: bool,
) -> Decision:
    if policy is Overlap.CANCEL_RUNNING and not is_last:
        return _skip("a later run took its place")
    if running == 0 or policy is Overlap.ALLOW:
        return _START
    if policy is Overlap.CANCEL_RUNNING:
        if running == by_hand:
            return _wait("a run that was started by hand is under way", None)
        waits = _wait("the run before it is being cancelled", None)
        return structs.replace(waits, cancel=True)
    room = {Overlap.SKIP: 0, Overlap.QUEUE_ONE: 1, Overlap.QUEUE_ALL: queue_max}[policy]
    if room is None or waiting < room:
        return _wait("a run of this schedule is under way", None)
    also = f", and {waiting} waited already" if waiting else ""
    return _skip(f"a run of this schedule was under way{also}")


def _wait(reason: str, until: Instant | None) -> Decision:
    return Decision(verdict=Verdict.WAIT, reason=reason, wake_at=until)


def _skip(reason: str) -> Decision:
    return Decision(verdict=Verdict.SKIP, reason=reason)

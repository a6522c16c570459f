"""A sprint and its rules."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import FieldChange, ProjectId, SprintId
from tidemill.board.errors import NullNotAllowed
from tidemill.board.limits import BoardLimits
from tidemill.board.sprint_errors import SprintDatesReversed, SprintEnded, SprintStep, SprintTooLong
from tidemill.board.sprint_facts import SprintState
from tidemill.board.texts import many_lines, single_line
from tidemill.core.clock import Instant

days_max: Final = 366


class SprintStatus(StrEnum):
    """Where a sprint stands; one that has ended keeps what it was."""

    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


STEPS: Final[dict[SprintStatus, tuple[SprintStatus, ...]]] = {
    SprintStatus.PLANNED: (SprintStatus.ACTIVE, SprintStatus.CANCELLED),
    SprintStatus.ACTIVE: (SprintStatus.COMPLETED, SprintStatus.CANCELLED),
    SprintStatus.COMPLETED: (),
    SprintStatus.CANCELLED: (),
}
"""Where a sprint may go from each status."""


class Sprint(Struct, frozen=True):
    """A sprint, in the order of its columns; `snapshot` is its report at its end, as JSON."""

    id: SprintId
    project_id: ProjectId
    name: str
    goal: str | None
    start_date: str
    end_date: str
    status: str
    started_at: Instant | None
    ended_at: Instant | None
    snapshot: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None

    @property
    def has_ended(self) -> bool:
        """Return whether it was completed or cancelled."""
        return not STEPS[SprintStatus(self.status)]

    def state(self) -> SprintState:
        """Return what facts carry of the sprint."""
        return SprintState(
            id=self.id,
            project_id=self.project_id,
            name=self.name,
            goal=self.goal,
            start_date=_midnight(self.start_date),
            end_date=_midnight(self.end_date),
            status=self.status,
            version=self.version,
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            deleted_at=self.deleted_at,
        )


class NewSprint(Struct, frozen=True, kw_only=True):
    """What a caller gives to plan a sprint; the project by id or key."""

    project: str
    name: str
    start_date: date
    end_date: date
    goal: str | None = None


class SprintChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and null empties the goal."""

    name: str | UnsetType | None = UNSET
    goal: str | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    end_date: date | UnsetType | None = UNSET


class Ending(Struct, frozen=True):
    """How a sprint ended: what it was, and how many items went on elsewhere."""

    sprint: Sprint
    carried_over: int
    unfinished_to: SprintId | None


def new_sprint(
    new: NewSprint,
    ids: tuple[SprintId, ProjectId],
    stamp: tuple[Instant, str],
    limits: BoardLimits,
) -> Sprint:
    """Return a planned sprint with `ids`, its own and its project's, made at and by `stamp`.

    Raises `InvalidText`, `SprintDatesReversed` and `SprintTooLong`.
    """
    check_dates(new.start_date, new.end_date)
    at, by = stamp
    return Sprint(
        id=ids[0],
        project_id=ids[1],
        name=_name(new.name, limits),
        goal=_goal(new.goal, limits),
        start_date=new.start_date.isoformat(),
        end_date=new.end_date.isoformat(),
        status=SprintStatus.PLANNED.value,
        started_at=None,
        ended_at=None,
        snapshot=None,
        version=1,
        created_at=at,
        created_by=by,
        updated_at=at,
        updated_by=by,
    )


def changed(sprint: Sprint, changes: SprintChanges, limits: BoardLimits) -> Sprint:
    """Return `sprint` with `changes`; its version stays.

    Raises `SprintEnded`, `NullNotAllowed`, `InvalidText`, `SprintDatesReversed` and
    `SprintTooLong`.
    """
    if sprint.has_ended:
        raise SprintEnded(sprint.name, sprint.status)
    for param in ("name", "start_date", "end_date"):
        if getattr(changes, param) is None:
            raise NullNotAllowed(param)
    name, goal = sprint.name, sprint.goal
    if isinstance(changes.name, str):
        name = _name(changes.name, limits)
    if changes.goal is not UNSET:
        goal = _goal(changes.goal, limits)
    start = (
        changes.start_date if isinstance(changes.start_date, date) else date_of(sprint.start_date)
    )
    end = changes.end_date if isinstance(changes.end_date, date) else date_of(sprint.end_date)
    check_dates(start, end)
    return structs.replace(
        sprint, name=name, goal=goal, start_date=start.isoformat(), end_date=end.isoformat()
    )


def stepped(sprint: Sprint, status: SprintStatus, *, at: Instant) -> Sprint:
    """Return `sprint` with its next status; raises `SprintStep` where that may not follow."""
    if status not in STEPS[SprintStatus(sprint.status)]:
        raise SprintStep(sprint.name, sprint.status, _PARTICIPLES[status])
    if status is SprintStatus.ACTIVE:
        return structs.replace(sprint, status=status.value, started_at=at)
    return structs.replace(sprint, status=status.value, ended_at=at)


def next_version(sprint: Sprint, *, at: Instant, by: str) -> Sprint:
    """Return `sprint` as the version after its own."""
    return structs.replace(sprint, version=sprint.version + 1, updated_at=at, updated_by=by)


def differences(old: Sprint, new: Sprint) -> tuple[FieldChange, ...]:
    """Return which fields that people can set differ."""
    return tuple(
        FieldChange(field_name=field, old_value=before, new_value=after)
        for field in ("name", "goal", "start_date", "end_date", "status")
        if (before := getattr(old, field)) != (after := getattr(new, field))
    )


def check_dates(start: date, end: date) -> None:
    """Return when a sprint may last from `start` to `end`, both days included.

    Raises `SprintDatesReversed` and `SprintTooLong`.
    """
    if end < start:
        raise SprintDatesReversed(start, end)
    days = (end - start).days + 1
    if days > days_max:
        raise SprintTooLong(days, days_max)


_PARTICIPLES: Final = {
    SprintStatus.ACTIVE: "started",
    SprintStatus.COMPLETED: "completed",
    SprintStatus.CANCELLED: "cancelled",
}


def _name(text: str, limits: BoardLimits) -> str:
    return single_line(text, param="name", chars_max=limits.project_name_chars_max)


def _goal(text: str | None, limits: BoardLimits) -> str | None:
    return many_lines(text, param="goal", chars_max=limits.description_chars_max)


def date_of(text: str) -> date:
    """Return the date that a column holds."""
    return date.fromisoformat(text)


def _midnight(text: str) -> Instant:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Instant(int(at.timestamp()) * 1_000_000)

"""Bodies of schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from msgspec import Meta, structs

from tidemill.core.clock import Instant, rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.jobs.scheduling.schedules.models import Definition, Schedule


class PutSchedule(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a schedule but its path: what is left out gets its default."""

    enabled: bool = True

    @property
    def definition(self) -> Definition:
        """Return what a person says of the schedule."""
        return Definition(**{name: getattr(self, name) for name in Definition.__struct_fields__})


class CreateSchedule(PutSchedule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule: when and after what a script runs.

    `trigger` says when. `after` names schedules that must have run for the same due time; with
    an empty trigger the schedule runs whenever the first of them has.
    """

    path: Annotated[str, Meta(min_length=1, max_length=200)]


class PreviewSchedule(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule that need not exist, of which the due times are wanted."""

    count: Annotated[int, Meta(ge=1, le=200)] = 10

    @property
    def definition(self) -> Definition:
        """Return what a person says of the schedule."""
        return Definition(**{name: getattr(self, name) for name in Definition.__struct_fields__})


class PauseSchedule(Body, frozen=True, kw_only=True):
    """How long a schedule rests; without `until`, until it is resumed."""

    until: Annotated[datetime, Meta(tz=True)] | None = None


class ScheduleView(Definition, frozen=True, kw_only=True):
    """A schedule, what it comes to next, and how many of its runs have failed in a row."""

    id: str
    path: str
    enabled: bool
    paused: bool
    paused_until: str | None
    next_at: str | None
    failures: int
    owner_id: str
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, schedule: Schedule, now: Instant) -> Self:
        """Return the view of `schedule` at `now`."""
        paused = schedule.paused(now)
        return cls(
            **structs.asdict(schedule.definition),
            id=schedule.id,
            path=schedule.path,
            enabled=schedule.enabled,
            paused=paused,
            paused_until=rfc3339_or_none(schedule.paused_until) if paused else None,
            next_at=rfc3339_or_none(schedule.next_at),
            failures=schedule.failures,
            owner_id=schedule.owner.user_id,
            version=schedule.version,
            created_at=rfc3339(schedule.created_at),
            created_by=schedule.created_by,
            updated_at=rfc3339(schedule.updated_at),
            updated_by=schedule.updated_by,
        )


class SchedulePage(PageView, frozen=True, kw_only=True):
    """A part of the list of schedules, by path."""

    items: list[ScheduleView]


class PreviewView(View, frozen=True, kw_only=True):
    """The next due times; none where they are those of another schedule."""

    due_at: list[str]

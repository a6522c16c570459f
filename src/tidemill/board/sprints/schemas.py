"""How sprints look on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.sprints.burndown import Burndown, Day, Totals
from tidemill.board.sprints.models import Ending, Sprint, SprintStatus, date_of
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

Version = Annotated[int, Meta(ge=1, le=2**53)]
_UNFINISHED: Final = (
    "The sprint that takes what is not done, planned or active; null is the backlog."
)


class CreateSprint(Body, frozen=True, kw_only=True):
    """A new sprint, from its first day to its last."""

    project_id: Annotated[str, Meta(description="The project's id or key.", examples=["TM"])]
    name: Annotated[str, Meta(min_length=1, examples=["Spring tide"])]
    start_date: Annotated[date, Meta(examples=["2026-11-23"])]
    end_date: Annotated[date, Meta(examples=["2026-12-04"])]
    goal: str | None = None


class ChangeSprint(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays, null empties the goal."""

    name: str | UnsetType | None = UNSET
    goal: str | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    end_date: date | UnsetType | None = UNSET
    expected_version: Version | UnsetType = UNSET


class EndSprint(Body, frozen=True, kw_only=True):
    """Where what is not done goes."""

    unfinished_to: Annotated[str | None, Meta(description=_UNFINISHED)] = None


class SprintDetails(View, frozen=True, kw_only=True):
    """A sprint; instants are whole seconds since 1970."""

    id: str
    project_id: str
    name: str
    goal: str | None
    start_date: date
    end_date: date
    status: SprintStatus
    started_at: int | None
    ended_at: int | None
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, sprint: Sprint) -> Self:
        """Return the view of `sprint`."""
        return cls(
            id=sprint.id,
            project_id=sprint.project_id,
            name=sprint.name,
            goal=sprint.goal,
            start_date=date_of(sprint.start_date),
            end_date=date_of(sprint.end_date),
            status=SprintStatus(sprint.status),
            started_at=_seconds(sprint.started_at),
            ended_at=_seconds(sprint.ended_at),
            version=sprint.version,
            created_at=sprint.created_at // MICROSECONDS_PER_SECOND,
            created_by=sprint.created_by,
            updated_at=sprint.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=sprint.updated_by,
        )


class SprintPage(PageView, frozen=True, kw_only=True):
    """A part of the list of a project's sprints, the latest start first."""

    items: list[SprintDetails]


class EndingView(View, frozen=True, kw_only=True):
    """How a sprint ended: `carried_over` items went to `unfinished_to`, null for the backlog."""

    sprint: SprintDetails
    carried_over: int
    unfinished_to: str | None

    @classmethod
    def of(cls, ending: Ending) -> Self:
        """Return the view of `ending`."""
        return cls(
            sprint=SprintDetails.of(ending.sprint),
            carried_over=ending.carried_over,
            unfinished_to=ending.unfinished_to,
        )


class TotalsView(View, frozen=True, kw_only=True):
    """How much a sprint holds, and how much of it is done, in items and in story points."""

    scope_count: int
    scope_points: int
    done_count: int
    done_points: int

    @classmethod
    def of(cls, totals: Totals) -> Self:
        """Return the view of `totals`."""
        return cls(
            scope_count=totals.scope_count,
            scope_points=totals.scope_points,
            done_count=totals.done_count,
            done_points=totals.done_points,
        )


class DayView(View, frozen=True, kw_only=True):
    """The end of a day in the project's time zone; null for days to come."""

    date: date
    scope_count: int | None
    scope_points: int | None
    done_count: int | None
    done_points: int | None
    ideal_count: float
    ideal_points: float

    @classmethod
    def of(cls, day: Day) -> Self:
        """Return the view of `day`."""
        actual = day.actual
        return cls(
            date=day.date,
            scope_count=actual.scope_count if actual else None,
            scope_points=actual.scope_points if actual else None,
            done_count=actual.done_count if actual else None,
            done_points=actual.done_points if actual else None,
            ideal_count=day.ideal_count,
            ideal_points=day.ideal_points,
        )


class BurndownView(View, frozen=True, kw_only=True):
    """The course of a sprint.

    What is left at the end of a day is scope less done (burndown); scope and done apart are the
    burnup. The ideal line says what should be left, from what was committed at the start.
    """

    sprint: SprintDetails
    committed: TotalsView
    final: TotalsView
    days: list[DayView]

    @classmethod
    def of(cls, sprint: Sprint, course: Burndown) -> Self:
        """Return the view of `sprint` and its course."""
        return cls(
            sprint=SprintDetails.of(sprint),
            committed=TotalsView.of(course.committed),
            final=TotalsView.of(course.final),
            days=[DayView.of(day) for day in course.days],
        )


def _seconds(at: Instant | None) -> int | None:
    return None if at is None else at // MICROSECONDS_PER_SECOND

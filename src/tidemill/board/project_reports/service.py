"""What one can learn from a project's past."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from tidemill.board.errors import ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_reports import repository
from tidemill.board.project_reports.courses import (
    Course,
    Flow,
    FlowDay,
    course,
    cumulative_flow,
    days_between,
    flow,
    start_of,
)
from tidemill.board.project_reports.models import (
    Forecast,
    SprintResult,
    Velocity,
    forecast,
    velocity,
)
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.sprint_errors import InvalidReportPeriod
from tidemill.board.sprints.burndown import Burndown, day_of
from tidemill.board.workflows.models import CLOSED, Category, Workflow
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.ports import Database, Tx

days_max: Final = 366
days_default: Final = 30
_oldest: Final = date(2000, 1, 1)


class Period(Struct, frozen=True):
    """The days that a report is about; without them the last thirty."""

    first: date | None = None
    last: date | None = None


class _Past(Struct, frozen=True, kw_only=True):
    courses: Sequence[Course]
    still: Mapping[Category, int]
    days: Sequence[date]
    zone: ZoneInfo
    open_count: int
    today: date
    begun: date


class ProjectReportService:
    """Reports of projects; a project is named by its id or its key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._workflows = Workflows()

    async def velocity(self, project: str, *, sprints: int, actor: Actor) -> Velocity:
        """Return what the last completed sprints had committed to and got done, oldest first."""

        def use_case(tx: Tx) -> Velocity:
            found = repository.completed_sprints(tx, self._project(tx, project).id, sprints)
            return velocity([_result(row) for row in reversed(found)])

        return await self._tenants.read(actor, use_case)

    async def cumulative_flow(
        self, project: str, period: Period, *, actor: Actor
    ) -> Sequence[FlowDay]:
        """Return how many items were in each category at the end of each day."""
        past = await self._past(project, period, actor)
        return await asyncio.to_thread(
            cumulative_flow, past.courses, past.still, past.days, past.zone
        )

    async def flow(self, project: str, period: Period, *, actor: Actor) -> Flow:
        """Return lead and cycle times, and the throughput, of what was done in a period."""
        past = await self._past(project, period, actor)
        return await asyncio.to_thread(flow, past.courses, past.days, past.zone)

    async def forecast(
        self, project: str, period: Period, *, items: int | None, seed: int, actor: Actor
    ) -> Forecast:
        """Return by when `items`, or all that is open, will be done, as the past suggests."""
        past = await self._past(project, period, actor)
        found = await asyncio.to_thread(flow, past.courses, past.days, past.zone)
        # Days on which nobody could do anything say nothing of those to come.
        done = [count for day, count in found.throughput if day >= past.begun]
        wanted = past.open_count if items is None else items
        return await asyncio.to_thread(forecast, wanted, done, past.today, seed=seed)

    async def _past(self, project: str, period: Period, actor: Actor) -> _Past:
        def use_case(tx: Tx) -> _Past:
            found = self._project(tx, project)
            zone = ZoneInfo(found.time_zone)
            today = day_of(tx.now, zone)
            days = _days(period, today)
            since = start_of(days[0], zone)
            workflow = self._workflows.of(tx, found.id, found.workflow_id)
            return _Past(
                courses=_courses(repository.moved(tx, found.id, since), workflow),
                still=repository.still(tx, found.id, since),
                days=days,
                zone=zone,
                open_count=sum(
                    count
                    for category, count in repository.by_category(tx, found.id).items()
                    if category not in CLOSED
                ),
                today=today,
                begun=day_of(found.created_at, zone),
            )

        return await self._tenants.read(actor, use_case)

    def _project(self, tx: Tx, reference: str) -> Project:
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project


def _days(period: Period, today: date) -> list[date]:
    last = max(_oldest, min(period.last or today, today))
    first = period.first or last - timedelta(days=days_default - 1)
    if first < _oldest or not 0 <= (last - first).days < days_max:
        raise InvalidReportPeriod(days_max)
    return days_between(first, last)


def _result(row: Sequence[Any]) -> SprintResult:
    sprint_id, name, ended_at, snapshot = row
    report = msgspec.json.decode(snapshot, type=Burndown)
    return SprintResult(
        sprint_id=sprint_id,
        name=name,
        ended_at=ended_at,
        committed=report.committed,
        final=report.final,
    )


def _courses(rows: Sequence[Sequence[Any]], workflow: Workflow) -> list[Course]:
    def meant(status: str | None) -> Category:
        return workflow.category_of(status or "") or Category.UNSTARTED

    courses = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        changes = list(group)
        _, created_at, deleted_at, category = changes[0][:4]
        courses.append(
            course(
                Instant(created_at),
                [
                    (Instant(at), meant(old), meant(new))
                    for *_, at, old, new in changes
                    if at is not None
                ],
                Category(category),
                gone_at=deleted_at,
            )
        )
    return courses

"""HTTP of reports of projects."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from litestar.params import QueryParameter

from tidemill.board.permissions import READ_SPRINTS
from tidemill.board.project_reports.schemas import (
    CumulativeFlowView,
    FlowDayView,
    FlowView,
    ForecastView,
    VelocityView,
)
from tidemill.board.project_reports.service import Period, ProjectReportService
from tidemill.core.actor import Actor
from tidemill.http import FOR_GUESTS, get

First = Annotated[
    date | None,
    QueryParameter(name="from", description="The first day; thirty days to the last by default."),
]
Last = Annotated[
    date | None, QueryParameter(name="to", description="The last day; today by default.")
]
Sprints = Annotated[
    int, QueryParameter(name="sprints", ge=1, le=50, description="How many sprints to look at.")
]
ItemCount = Annotated[
    int | None,
    QueryParameter(
        name="items", ge=0, le=1_000_000, description="How many items; all open ones by default."
    ),
]
Seed = Annotated[
    int,
    QueryParameter(name="seed", description="Another draw of the simulation for another seed."),
]


@get("/projects/{project_id:str}/velocity", READ_SPRINTS, opt=FOR_GUESTS)
async def get_velocity(
    project_id: str, actor: Actor, project_reports: ProjectReportService, sprints: Sprints = 8
) -> VelocityView:
    """Read what the last completed sprints had committed to and got done."""
    return VelocityView.of(await project_reports.velocity(project_id, sprints=sprints, actor=actor))


@get("/projects/{project_id:str}/cumulative-flow", READ_SPRINTS, opt=FOR_GUESTS)
async def get_cumulative_flow(
    project_id: str,
    actor: Actor,
    project_reports: ProjectReportService,
    first: First = None,
    last: Last = None,
) -> CumulativeFlowView:
    """Read how many items were in each category at the end of each day."""
    days = await project_reports.cumulative_flow(project_id, Period(first, last), actor=actor)
    return CumulativeFlowView(days=[FlowDayView.of(day) for day in days])


@get("/projects/{project_id:str}/flow", READ_SPRINTS, opt=FOR_GUESTS)
async def get_flow(
    project_id: str,
    actor: Actor,
    project_reports: ProjectReportService,
    first: First = None,
    last: Last = None,
) -> FlowView:
    """Read how long what was done in a period took, and how much was done on each day."""
    return FlowView.of(await project_reports.flow(project_id, Period(first, last), actor=actor))


@get("/projects/{project_id:str}/forecast", READ_SPRINTS, opt=FOR_GUESTS)
async def get_forecast(  # noqa: PLR0913 - each parameter is one of the query
    *,
    project_id: str,
    actor: Actor,
    project_reports: ProjectReportService,
    first: First = None,
    last: Last = None,
    items: ItemCount = None,
    seed: Seed = 1,
) -> ForecastView:
    """Read by when work will be done if days to come are like those of the period."""
    found = await project_reports.forecast(
        project_id, Period(first, last), items=items, seed=seed, actor=actor
    )
    return ForecastView.of(found)


ROUTES = (get_velocity, get_cumulative_flow, get_flow, get_forecast)

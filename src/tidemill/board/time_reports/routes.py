"""HTTP of time reports."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from tidemill.board.permissions import READ_TIME
from tidemill.board.projects.service import ProjectService
from tidemill.board.time_entries.csv import CSV, csv_lines
from tidemill.board.time_entries.routes import (
    Item,
    Project,
    Whose,
    asked_item,
    asked_project,
    asked_user,
)
from tidemill.board.time_reports.models import ReportQuery, groupings
from tidemill.board.time_reports.schemas import TimeReportPage, report_columns, report_row
from tidemill.board.time_reports.service import TimeReportService
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit

GroupBy = Annotated[
    str,
    QueryParameter(
        name="group_by",
        description="One or more of user, item, project, day and week, in the order of the rows.",
    ),
]
Zone = Annotated[
    str,
    QueryParameter(name="time_zone", description="Whose days are meant, such as Europe/Berlin."),
]
First = Annotated[
    date | None,
    QueryParameter(name="from", description="The first day; the first of the month by default."),
]
Last = Annotated[
    date | None, QueryParameter(name="to", description="The last day; today by default.")
]
_EXPORT: Final = ResponseSpec(
    str,
    description="CSV with a line for each group.",
    media_type="text/csv",
    generate_examples=False,
)


@get("/time-reports", READ_TIME)
async def get_time_report(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    time_reports: TimeReportService,
    item_readings: ItemReadingService,
    projects: ProjectService,
    group_by: GroupBy = "user",
    time_zone: Zone = "UTC",
    first: First = None,
    last: Last = None,
    whose: Whose = None,
    item: Item = None,
    project: Project = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> TimeReportPage:
    """Sum up tracked time; an entry counts for the day on which it began, a timer once stopped."""
    first_day, last_day = time_reports.days(first, last, time_zone)
    query = ReportQuery(
        grouped_by=groupings(group_by),
        time_zone=time_zone,
        first=first_day,
        last=last_day,
        user_id=asked_user(whose, actor),
        work_item_id=await asked_item(item, item_readings, actor),
        project_id=await asked_project(project, projects, actor),
    )
    digest = hashlib.blake2b(msgspec.json.encode(query), digest_size=8).hexdigest()
    page = page_request(limit, cursor, digest)
    return TimeReportPage.of(await time_reports.report(query, page, actor=actor))


@get(
    "/time-reports/export",
    READ_TIME,
    opt={"stream": True},
    media_type="text/csv",
    responses={200: _EXPORT},
)
async def export_time_report(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    time_reports: TimeReportService,
    item_readings: ItemReadingService,
    projects: ProjectService,
    group_by: GroupBy = "user",
    time_zone: Zone = "UTC",
    first: First = None,
    last: Last = None,
    whose: Whose = None,
    item: Item = None,
    project: Project = None,
) -> Stream:
    """Export a report as CSV; cells that could be formulas are quoted."""
    first_day, last_day = time_reports.days(first, last, time_zone)
    query = ReportQuery(
        grouped_by=groupings(group_by),
        time_zone=time_zone,
        first=first_day,
        last=last_day,
        user_id=asked_user(whose, actor),
        work_item_id=await asked_item(item, item_readings, actor),
        project_id=await asked_project(project, projects, actor),
    )
    pages = time_reports.export(query, actor=actor)

    async def text() -> AsyncIterator[bytes]:
        yield csv_lines([report_columns(query.grouped_by)])
        async for groups in pages:
            yield csv_lines(report_row(group, query.grouped_by) for group in groups)

    return Stream(text(), media_type=CSV)


ROUTES: Final = (get_time_report, export_time_report)

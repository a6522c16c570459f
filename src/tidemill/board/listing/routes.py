"""HTTP of lists of work items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from litestar.params import QueryParameter

from tidemill.board.contract import ProjectId, SprintId, WorkItemId
from tidemill.board.errors import NotOfProjects, UnknownStatus
from tidemill.board.filters.parsing import parse
from tidemill.board.item_kinds.models import PROJECT
from tidemill.board.listing.models import Selection
from tidemill.board.listing.service import ListingService, digest_of, zone_of
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.projects.models import ProjectStatus
from tidemill.board.projects.service import ProjectService
from tidemill.board.texts import uuid_parameter
from tidemill.board.work_items.models import Sort, WorkItemFilter
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.board.work_items.schemas import WorkItemPage, WorkItemView
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, get
from tidemill.http.parameters import Cursor, Limit

_since_seconds_max: Final = 2**40

ItemTypeParameter = Annotated[
    str | None,
    QueryParameter(name="item_type", description="The key of a kind of the tenant, such as bug."),
]
UpdatedSince = Annotated[
    int | None,
    QueryParameter(
        name="updated_since",
        ge=0,
        le=_since_seconds_max,
        description="Seconds since 1970: items changed then or later, oldest change first.",
    ),
]
LabelParameter = Annotated[
    str | None,
    QueryParameter(
        name="label", max_length=100, description="A label's id or name: items that bear it."
    ),
]
FilterText = Annotated[
    str | None,
    QueryParameter(
        name="filter",
        description="What the items fulfil, such as `is:open assignee:me sort:-updated`; "
        "the guide to filters lists its fields.",
    ),
]
SortParameter = Annotated[
    Sort | None,
    QueryParameter(
        name="sort",
        description="The order within the one project that is named. Refused where the list has "
        "another one: without a project, with `updated_since`, and `number` with `parent_id`, "
        "`assignee_id` or `label`.",
    ),
]
TimeZone = Annotated[
    str | None,
    QueryParameter(
        name="time_zone",
        description="Whose days the dates of the filter are, such as Europe/Berlin; UTC.",
    ),
]


@get("/work-items", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_work_items(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    item_readings: ItemReadingService,
    listing: ListingService,
    projects: ProjectService,
    project_id: str | None = None,
    status: str | None = None,
    item_type: ItemTypeParameter = None,
    parent_id: str | None = None,
    assignee_id: str | None = None,
    sprint_id: str | None = None,
    label: LabelParameter = None,
    updated_since: UpdatedSince = None,
    blocked: bool | None = None,
    sort: SortParameter = None,
    filter_: FilterText = None,
    time_zone: TimeZone = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> WorkItemPage:
    """List work items: of one project by number, newest first, or by rank; or by last change.

    With the item_type `project` the projects themselves, by key.
    """
    if item_type == PROJECT:
        given = {
            "project_id": project_id,
            "parent_id": parent_id,
            "assignee_id": assignee_id,
            "sprint_id": sprint_id,
            "label": label,
            "updated_since": updated_since,
            "blocked": blocked,
            "sort": sort,
            "filter": filter_,
        }
        return await _projects(projects, given, status, (limit, cursor), actor)
    wanted = WorkItemFilter(
        project_id=await _project(project_id, projects, actor),
        status=status,
        item_type=item_type,
        parent_id=WorkItemId(uuid_parameter(parent_id, "parent_id")) if parent_id else None,
        assignee_id=uuid_parameter(assignee_id, "assignee_id") if assignee_id else None,
        sprint_id=SprintId(uuid_parameter(sprint_id, "sprint_id")) if sprint_id else None,
        label=label,
        updated_since=_instant(updated_since),
        blocked=blocked,
        sort=sort,
    )
    selection = Selection(parameters=wanted, filter=parse(filter_ or ""), zone=zone_of(time_zone))
    page = page_request(limit, cursor, digest_of(selection))
    if filter_ is None:
        found = await item_readings.list(wanted, page, actor=actor)
    else:
        found = await listing.list(selection, page, actor=actor)
    return WorkItemPage(
        items=[WorkItemView.of(item) for item in found.items], next_cursor=found.next_cursor
    )


async def _projects(
    projects: ProjectService,
    given: Mapping[str, object],
    status: str | None,
    part: tuple[int | None, str | None],
    actor: Actor,
) -> WorkItemPage:
    for param, value in given.items():
        if value is not None:
            raise NotOfProjects(param)
    statuses = {one.value: one for one in ProjectStatus}
    if status is not None and status not in statuses:
        raise UnknownStatus(status, statuses)
    page = page_request(*part, f"work-items:projects:{status or 'all'}")
    wanted = statuses[status] if status is not None else None
    found = await projects.list(page, status=wanted, actor=actor)
    return WorkItemPage(
        items=[WorkItemView.of_project(project) for project in found.items],
        next_cursor=found.next_cursor,
    )


async def _project(
    reference: str | None, projects: ProjectService, actor: Actor
) -> ProjectId | None:
    return (await projects.get(reference, actor=actor)).id if reference is not None else None


def _instant(seconds: int | None) -> Instant | None:
    return None if seconds is None else Instant(seconds * MICROSECONDS_PER_SECOND)


ROUTES = (list_work_items,)

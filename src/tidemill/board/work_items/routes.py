"""HTTP of work items."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.connection import Request
from litestar.params import QueryParameter
from msgspec import UNSET

from tidemill.board.activities.schemas import ActivityPage, ActivityView
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.permissions import READ_WORK_ITEMS, WRITE_WORK_ITEMS
from tidemill.board.projects.service import ProjectService
from tidemill.board.texts import uuid_parameter
from tidemill.board.versions import Expected
from tidemill.board.work_items.models import (
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    WorkItemFilter,
    WorkItemType,
)
from tidemill.board.work_items.schemas import (
    ChangeWorkItem,
    CreateWorkItem,
    WorkItemPage,
    WorkItemView,
)
from tidemill.board.work_items.service import WorkItemService
from tidemill.board.workflows.models import DEFAULT_WORKFLOW
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import Idempotency, delete, get, patch, post, put, single
from tidemill.http.parameters import Cursor, Limit

_since_seconds_max: Final = 2**40

UpdatedSince = Annotated[
    int | None,
    QueryParameter(
        name="updated_since",
        ge=0,
        le=_since_seconds_max,
        description="Seconds since 1970: items changed then or later, oldest change first.",
    ),
]


@post("/work-items", WRITE_WORK_ITEMS)
async def create_work_item(
    data: CreateWorkItem,
    actor: Actor,
    idempotency: Idempotency,
    work_items: WorkItemService,
    request: Request[Any, Any, Any],
) -> Response[WorkItemView]:
    """Make a work item."""
    new = NewWorkItem(
        item_type=data.item_type,
        title=data.title,
        project=data.project_id,
        parent=data.parent_id,
        description=data.description,
        status=data.status,
        priority=data.priority,
        assignee_id=data.assignee_id,
    )
    item = await work_items.create(new, actor=actor, once=idempotency.once(WorkItem))
    return _answer(item, request)


@get("/work-items", READ_WORK_ITEMS)
async def list_work_items(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    work_items: WorkItemService,
    projects: ProjectService,
    project_id: str | None = None,
    status: str | None = None,
    item_type: WorkItemType | None = None,
    parent_id: str | None = None,
    assignee_id: str | None = None,
    updated_since: UpdatedSince = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> WorkItemPage:
    """List work items: of one project by number, newest first, or by their last change."""
    wanted = WorkItemFilter(
        project_id=await _project(project_id, projects, actor),
        status=DEFAULT_WORKFLOW.check(status) if status is not None else None,
        item_type=item_type,
        parent_id=WorkItemId(uuid_parameter(parent_id, "parent_id")) if parent_id else None,
        assignee_id=uuid_parameter(assignee_id, "assignee_id") if assignee_id else None,
        updated_since=_instant(updated_since),
    )
    digest = hashlib.blake2b(msgspec.json.encode(wanted), digest_size=8).hexdigest()
    found = await work_items.list(wanted, page_request(limit, cursor, digest), actor=actor)
    return WorkItemPage(
        items=[WorkItemView.of(item) for item in found.items], next_cursor=found.next_cursor
    )


@get("/work-items/{item_id:str}", READ_WORK_ITEMS)
async def get_work_item(
    item_id: str, actor: Actor, work_items: WorkItemService, request: Request[Any, Any, Any]
) -> Response[WorkItemView]:
    """Read a work item by its id or its key, such as `TM-12`."""
    return _answer(await work_items.get(item_id, actor=actor), request)


@patch("/work-items/{item_id:str}", WRITE_WORK_ITEMS)
async def change_work_item(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    item_id: str,
    data: ChangeWorkItem,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    work_items: WorkItemService,
    request: Request[Any, Any, Any],
) -> Response[WorkItemView]:
    """Change fields of a work item; what is left out stays."""
    item = await work_items.change(
        item_id,
        _changes(data),
        _expected(data, expected_version),
        actor=actor,
        once=idempotency.once(WorkItem),
    )
    return _answer(item, request)


@put("/work-items/{item_id:str}", WRITE_WORK_ITEMS)
async def put_work_item(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    item_id: str,
    data: ChangeWorkItem,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    work_items: WorkItemService,
    request: Request[Any, Any, Any],
) -> Response[WorkItemView]:
    """Change fields of a work item, as PATCH does: what is left out stays."""
    item = await work_items.change(
        item_id,
        _changes(data),
        _expected(data, expected_version),
        actor=actor,
        once=idempotency.once(WorkItem),
    )
    return _answer(item, request)


@delete("/work-items/{item_id:str}", WRITE_WORK_ITEMS)
async def delete_work_item(
    item_id: str, actor: Actor, expected_version: int | None, work_items: WorkItemService
) -> None:
    """Delete a work item that has no children; it can be restored."""
    await work_items.delete(item_id, Expected(if_match=expected_version), actor=actor)


@post("/work-items/{item_id:str}/restorations", WRITE_WORK_ITEMS, status_code=200)
async def restore_work_item(
    item_id: str, actor: Actor, work_items: WorkItemService, request: Request[Any, Any, Any]
) -> Response[WorkItemView]:
    """Bring a deleted work item back."""
    return _answer(await work_items.restore(item_id, actor=actor), request)


@get("/work-items/{item_id:str}/activity", READ_WORK_ITEMS)
async def list_activity(
    item_id: str, actor: Actor, page: PageRequest, work_items: WorkItemService
) -> ActivityPage:
    """List what happened to a work item, newest first."""
    found = await work_items.activity(item_id, page, actor=actor)
    return ActivityPage(
        items=[ActivityView.of(activity) for activity in found.items],
        next_cursor=found.next_cursor,
    )


def _answer(item: WorkItem, request: Request[Any, Any, Any]) -> Response[WorkItemView]:
    return single(WorkItemView.of(item), version=item.version, request=request)


async def _project(
    reference: str | None, projects: ProjectService, actor: Actor
) -> ProjectId | None:
    return (await projects.get(reference, actor=actor)).id if reference is not None else None


def _instant(seconds: int | None) -> Instant | None:
    return None if seconds is None else Instant(seconds * MICROSECONDS_PER_SECOND)


def _changes(data: ChangeWorkItem) -> WorkItemChanges:
    return WorkItemChanges(
        title=data.title,
        description=data.description,
        status=data.status,
        priority=data.priority,
        assignee_id=data.assignee_id,
        parent=data.parent_id,
    )


def _expected(data: ChangeWorkItem, if_match: int | None) -> Expected:
    return Expected(
        if_match=if_match,
        version=None if data.expected_version is UNSET else data.expected_version,
        base=None if data.base_version is UNSET else data.base_version,
    )


ROUTES = (
    create_work_item,
    list_work_items,
    get_work_item,
    change_work_item,
    put_work_item,
    delete_work_item,
    restore_work_item,
    list_activity,
)

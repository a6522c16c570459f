"""HTTP of work items."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET, structs

from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.markdown import html_of
from tidemill.board.permissions import READ_WORK_ITEMS, WRITE_WORK_ITEMS
from tidemill.board.projects.models import Project
from tidemill.board.projects.service import ProjectService
from tidemill.board.versions import Expected
from tidemill.board.work_items.models import (
    WorkItem,
    WorkItemChanges,
)
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.board.work_items.schemas import (
    ChangeWorkItem,
    WorkItemView,
)
from tidemill.board.work_items.service import WorkItemService
from tidemill.core.actor import Actor
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, composed, delete, get, patch, post, put


@get("/work-items/{item_id:str}", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def get_work_item(
    item_id: str,
    actor: Actor,
    item_readings: ItemReadingService,
    projects: ProjectService,
    request: Request[Any, Any, Any],
) -> Tagged[WorkItemView]:
    """Read a work item by its id or its key, such as `TM-12`; a project by its own."""
    try:
        item = await item_readings.get(item_id, actor=actor)
    except WorkItemNotFound as missing:
        try:
            return _project(await projects.get(item_id, actor=actor), request)
        except ProjectNotFound:
            raise missing from None
    view = structs.replace(WorkItemView.of(item), description_html=await html_of(item.description))
    return composed(view, version=item.version, request=request)


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
) -> Tagged[WorkItemView]:
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
) -> Tagged[WorkItemView]:
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
) -> Tagged[WorkItemView]:
    """Bring a deleted work item back."""
    return _answer(await work_items.restore(item_id, actor=actor), request)


def _project(project: Project, request: Request[Any, Any, Any]) -> Tagged[WorkItemView]:
    return composed(WorkItemView.of_project(project), version=project.version, request=request)


def _answer(item: WorkItem, request: Request[Any, Any, Any]) -> Tagged[WorkItemView]:
    return composed(WorkItemView.of(item), version=item.version, request=request)


def _changes(data: ChangeWorkItem) -> WorkItemChanges:
    return WorkItemChanges(
        item_type=data.item_type,
        title=data.title,
        description=data.description,
        status=data.status,
        priority=data.priority,
        assignee_id=data.assignee_id,
        parent=data.parent_id,
        after=data.after_id,
        before=data.before_id,
        points=data.points,
        estimate_seconds=data.estimate_seconds,
        start_date=data.start_date,
        due_date=data.due_date,
        labels=data.labels,
        add_labels=data.add_labels,
        remove_labels=data.remove_labels,
        sprint=data.sprint_id,
        archived=data.archived,
        custom_fields=data.custom_fields,
    )


def _expected(data: ChangeWorkItem, if_match: int | None) -> Expected:
    return Expected(
        if_match=if_match,
        version=None if data.expected_version is UNSET else data.expected_version,
        base=None if data.base_version is UNSET else data.base_version,
    )


ROUTES = (
    get_work_item,
    change_work_item,
    put_work_item,
    delete_work_item,
    restore_work_item,
)

"""HTTP of new work items."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.errors import NotOfItems
from tidemill.board.item_kinds.models import PROJECT
from tidemill.board.item_making.schemas import CreateWorkItem
from tidemill.board.item_templates.service import ItemTemplateService
from tidemill.board.permissions import WRITE_WORK_ITEMS
from tidemill.board.projects.models import Project
from tidemill.board.projects.service import ProjectService
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.schemas import WorkItemView
from tidemill.board.work_items.service import WorkItemService
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, composed, post


@post("/work-items", WRITE_WORK_ITEMS)
async def create_work_item(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    data: CreateWorkItem,
    actor: Actor,
    idempotency: Idempotency,
    projects: ProjectService,
    item_templates: ItemTemplateService,
    work_items: WorkItemService,
    request: Request[Any, Any, Any],
) -> Tagged[WorkItemView]:
    """Make a work item, also one like a template's; with the item_type `project`, a project."""
    if data.item_type == PROJECT:
        project = await projects.create(
            data.project_fields(), actor=actor, once=idempotency.once(Project)
        )
        return composed(WorkItemView.of_project(project), version=project.version, request=request)
    if data.project_key is not None:
        raise NotOfItems("project_key")
    once = idempotency.once(WorkItem)
    if data.template_id is not None:
        item = await item_templates.create_item(
            data.template_id, data.given(), data.template_values, actor=actor, once=once
        )
    else:
        item = await work_items.create(data.new(), actor=actor, once=once)
    return composed(WorkItemView.of(item), version=item.version, request=request)


ROUTES: Final = (create_work_item,)

"""HTTP of quick add."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.permissions import READ_WORK_ITEMS, WRITE_WORK_ITEMS
from tidemill.board.quick_add.schemas import QuickAdd, QuickPreviewView
from tidemill.board.quick_add.service import QuickAddService
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.schemas import WorkItemView
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, composed, post


@post("/work-items/quick", WRITE_WORK_ITEMS)
async def quick_add_work_item(
    data: QuickAdd,
    actor: Actor,
    idempotency: Idempotency,
    quick_adds: QuickAddService,
    request: Request[Any, Any, Any],
) -> Tagged[WorkItemView]:
    """Make a work item from one line, such as `Fix the sluice #bug @ada !high ^fri`."""
    item = await quick_adds.add(
        data.text,
        data.project_id,
        time_zone=data.time_zone,
        description=data.description,
        actor=actor,
        once=idempotency.once(WorkItem),
    )
    return composed(WorkItemView.of(item), version=item.version, request=request)


@post("/work-items/quick/previews", READ_WORK_ITEMS, status_code=200)
async def preview_quick_add(
    data: QuickAdd, actor: Actor, quick_adds: QuickAddService
) -> QuickPreviewView:
    """Say what a line would make; nothing is made."""
    said = await quick_adds.understood(
        data.text, data.project_id, time_zone=data.time_zone, actor=actor
    )
    return QuickPreviewView.of(said)


ROUTES: Final = (quick_add_work_item, preview_quick_add)

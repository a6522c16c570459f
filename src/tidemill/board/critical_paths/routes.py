"""HTTP of critical paths."""

from __future__ import annotations

from tidemill.board.critical_paths.schemas import CriticalPathPage
from tidemill.board.critical_paths.service import CriticalPathService
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.work_items.schemas import WorkItemView
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, get
from tidemill.http.parameters import Cursor, Limit


@get("/projects/{project_id:str}/critical-path", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def get_critical_path(
    project_id: str,
    actor: Actor,
    critical_paths: CriticalPathService,
    limit: Limit = None,
    cursor: Cursor = None,
) -> CriticalPathPage:
    """List the heaviest chain of unfinished items of a project, each of which blocks the next."""
    page = page_request(limit, cursor, f"critical-path:{project_id}")
    found = await critical_paths.of_project(project_id, page, actor=actor)
    return CriticalPathPage(
        length=found.length,
        weight=found.weight,
        items=[WorkItemView.of(item) for _, item in found.page.items],
        next_cursor=found.page.next_cursor,
    )


ROUTES = (get_critical_path,)

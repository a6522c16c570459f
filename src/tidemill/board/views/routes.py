"""HTTP of views."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import structs

from tidemill.board.listing.routes import TimeZone
from tidemill.board.listing.service import ListingService, digest_of, zone_of
from tidemill.board.permissions import READ_WORK_ITEMS, WRITE_WORK_ITEMS
from tidemill.board.views.models import NewView, View, ViewChanges
from tidemill.board.views.schemas import ChangeView, CreateView, ViewDocument, ViewPage
from tidemill.board.views.service import ViewService, selection_of
from tidemill.board.work_items.schemas import WorkItemPage, WorkItemView
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit


@post("/views", WRITE_WORK_ITEMS)
async def create_view(
    data: CreateView,
    actor: Actor,
    idempotency: Idempotency,
    views: ViewService,
    request: Request[Any, Any, Any],
) -> Tagged[ViewDocument]:
    """Keep a filter under a name."""
    new = NewView(
        name=data.name, filter=data.filter, project=data.project_id, is_shared=data.is_shared
    )
    view = await views.create(new, actor=actor, once=idempotency.once(View))
    return _answer(view, request)


@get("/views", READ_WORK_ITEMS)
async def list_views(
    actor: Actor,
    views: ViewService,
    project_id: str | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ViewPage:
    """List shared views and one's own, oldest first."""
    page = page_request(limit, cursor, f"views:{project_id or 'all'}")
    found = await views.list(page, project=project_id, actor=actor)
    return ViewPage(
        items=[ViewDocument.of(view) for view in found.items], next_cursor=found.next_cursor
    )


@get("/views/{view_id:str}", READ_WORK_ITEMS)
async def get_view(
    view_id: str, actor: Actor, views: ViewService, request: Request[Any, Any, Any]
) -> Tagged[ViewDocument]:
    """Read a view."""
    return _answer(await views.get(view_id, actor=actor), request)


@patch("/views/{view_id:str}", WRITE_WORK_ITEMS)
async def change_view(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    view_id: str,
    data: ChangeView,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    views: ViewService,
    request: Request[Any, Any, Any],
) -> Tagged[ViewDocument]:
    """Change a view's name or filter, share it, or keep it for oneself again."""
    changes = ViewChanges(name=data.name, filter=data.filter, is_shared=data.is_shared)
    view = await views.change(
        view_id, changes, expected_version, actor=actor, once=idempotency.once(View)
    )
    return _answer(view, request)


@delete("/views/{view_id:str}", WRITE_WORK_ITEMS)
async def delete_view(
    view_id: str, actor: Actor, expected_version: int | None, views: ViewService
) -> None:
    """Delete a view; its items stay."""
    await views.delete(view_id, expected_version, actor=actor)


@get("/views/{view_id:str}/work-items", READ_WORK_ITEMS)
async def list_view_work_items(  # noqa: PLR0913 - each parameter is one of the query
    *,
    view_id: str,
    actor: Actor,
    views: ViewService,
    listing: ListingService,
    time_zone: TimeZone = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> WorkItemPage:
    """List the work items of a view, in its order."""
    view = await views.get(view_id, actor=actor)
    selection = structs.replace(selection_of(view), zone=zone_of(time_zone))
    page = page_request(limit, cursor, digest_of(selection))
    found = await listing.list(selection, page, actor=actor)
    return WorkItemPage(
        items=[WorkItemView.of(item) for item in found.items], next_cursor=found.next_cursor
    )


def _answer(view: View, request: Request[Any, Any, Any]) -> Tagged[ViewDocument]:
    return single(ViewDocument.of(view), version=view.version, request=request)


ROUTES = (create_view, list_views, get_view, change_view, delete_view, list_view_work_items)

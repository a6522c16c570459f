"""HTTP of what happened to items."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.board.activities.schemas import ActivityPage, ActivityView
from tidemill.board.activity_feeds.models import Feed
from tidemill.board.activity_feeds.service import ActivityFeedService
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, get
from tidemill.http.parameters import Cursor, Limit

Since = Annotated[
    int | None,
    QueryParameter(
        name="since",
        ge=0,
        le=2**53,
        description="A number of the event stream, such as `through_seq` of an earlier answer: "
        "what has a greater one, oldest first.",
    ),
]


@get("/work-items/{item_id:str}/activity", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_activity(  # noqa: PLR0913 - each parameter is one of the query
    *,
    item_id: str,
    actor: Actor,
    item_readings: ItemReadingService,
    activity_feeds: ActivityFeedService,
    since: Since = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ActivityPage:
    """List what happened to a work item, newest first; or since a number, oldest first."""
    page = page_request(limit, cursor, _digest(item_id, since))
    if since is not None:
        return _page(await activity_feeds.of_item(item_id, since, page, actor=actor))
    # Before the list: what is written meanwhile has a greater number.
    through = await activity_feeds.head(actor=actor)
    found = await item_readings.activity(item_id, page, actor=actor)
    return ActivityPage(
        items=[ActivityView.of(activity) for activity in found.items],
        next_cursor=found.next_cursor,
        through_seq=through,
    )


@get("/projects/{project_id:str}/activity", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_project_activity(
    *,
    project_id: str,
    actor: Actor,
    activity_feeds: ActivityFeedService,
    since: Since = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ActivityPage:
    """List what happened to items of a project since a number, or since the start, oldest first."""
    page = page_request(limit, cursor, _digest(project_id, since))
    return _page(await activity_feeds.of_project(project_id, since or 0, page, actor=actor))


def _digest(whose: str, since: int | None) -> str:
    return f"activity:{whose}:{'' if since is None else since}"


def _page(feed: Feed) -> ActivityPage:
    return ActivityPage(
        items=[ActivityView.of(one.activity, one.seq) for one in feed.items],
        next_cursor=feed.next_cursor,
        through_seq=feed.through_seq,
    )


ROUTES = (list_activity, list_project_activity)

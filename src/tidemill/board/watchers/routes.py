"""HTTP of watchers."""

from __future__ import annotations

from tidemill.board.permissions import READ_WORK_ITEMS, WATCH_WORK_ITEMS
from tidemill.board.watchers.schemas import WatcherPage, WatcherView
from tidemill.board.watchers.service import WatcherService
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import delete, get, put


@get("/work-items/{item_id:str}/watchers", READ_WORK_ITEMS)
async def list_watchers(
    item_id: str, actor: Actor, page: PageRequest, watchers: WatcherService
) -> WatcherPage:
    """List who hears of a work item: who asked to, who made it, and who shall do it."""
    found = await watchers.list(item_id, page, actor=actor)
    return WatcherPage(
        items=[WatcherView.of(watcher) for watcher in found.items], next_cursor=found.next_cursor
    )


@put("/work-items/{item_id:str}/watchers/{user_id:str}", WATCH_WORK_ITEMS)
async def watch_work_item(
    item_id: str, user_id: str, actor: Actor, watchers: WatcherService
) -> WatcherView:
    """Let a member, or `me`, hear of a work item."""
    return WatcherView.of(await watchers.watch(item_id, user_id, actor=actor))


@delete("/work-items/{item_id:str}/watchers/{user_id:str}", WATCH_WORK_ITEMS)
async def unwatch_work_item(
    item_id: str, user_id: str, actor: Actor, watchers: WatcherService
) -> None:
    """Let a member, or `me`, hear no more of a work item."""
    await watchers.mute(item_id, user_id, actor=actor)


ROUTES = (list_watchers, watch_work_item, unwatch_work_item)

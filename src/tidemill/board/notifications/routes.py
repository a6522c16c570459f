"""HTTP of inboxes."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.board.notifications.models import Folder, Notification, NotificationChanges
from tidemill.board.notifications.schemas import (
    ChangeNotification,
    EventPage,
    EventView,
    NotificationPage,
    NotificationView,
    ReadThrough,
    ReadView,
    UnreadView,
)
from tidemill.board.notifications.service import NotificationService, Selection
from tidemill.board.permissions import READ_NOTIFICATIONS, WRITE_NOTIFICATIONS
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import Idempotency, Tagged, composed, get, patch, post
from tidemill.http.parameters import Cursor, Limit


@get("/notifications", READ_NOTIFICATIONS)
async def list_notifications(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    notifications: NotificationService,
    folder: Folder = Folder.INBOX,
    reason: str | None = None,
    project_id: str | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> NotificationPage:
    """List your notifications, newest first: the inbox, or what is unread, snoozed or archived."""
    selection = Selection(folder=folder, reason=reason, project=project_id)
    page = page_request(limit, cursor, selection.digest)
    found = await notifications.list(selection, page, actor=actor)
    return NotificationPage(
        items=[NotificationView.of(row) for row in found.items], next_cursor=found.next_cursor
    )


@get("/notifications/unread", READ_NOTIFICATIONS)
async def count_unread_notifications(
    actor: Actor, notifications: NotificationService
) -> UnreadView:
    """Count your unread notifications, up to a thousand."""
    unread = await notifications.unread(actor=actor)
    return UnreadView(unread=unread.count, is_more=unread.is_more)


@post("/notifications/read", WRITE_NOTIFICATIONS, status_code=200)
async def read_notifications(
    data: ReadThrough, actor: Actor, idempotency: Idempotency, notifications: NotificationService
) -> ReadView:
    """Mark as read what has no later fact than `through_seq`; what came since stays unread."""
    count = await notifications.read_through(
        data.through_seq, data.project_id, actor=actor, once=idempotency.once(int)
    )
    return ReadView(read=count)


@get("/notifications/{notification_id:str}", READ_NOTIFICATIONS)
async def get_notification(
    notification_id: str,
    actor: Actor,
    notifications: NotificationService,
    request: Request[Any, Any, Any],
) -> Tagged[NotificationView]:
    """Read a notification of yours."""
    return _answer(await notifications.get(notification_id, actor=actor), request)


@patch("/notifications/{notification_id:str}", WRITE_NOTIFICATIONS)
async def change_notification(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    notification_id: str,
    data: ChangeNotification,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    notifications: NotificationService,
    request: Request[Any, Any, Any],
) -> Tagged[NotificationView]:
    """Mark a notification as read or unread, archive it, or let it come back later."""
    until = data.snoozed_until
    changes = NotificationChanges(
        is_read=data.is_read,
        is_archived=data.is_archived,
        snoozed_until=Instant(until * MICROSECONDS_PER_SECOND) if isinstance(until, int) else until,
    )
    row = await notifications.change(
        notification_id,
        changes,
        expected_version,
        actor=actor,
        once=idempotency.once(Notification),
    )
    return _answer(row, request)


@get("/notifications/{notification_id:str}/events", READ_NOTIFICATIONS)
async def list_notification_events(
    notification_id: str, actor: Actor, page: PageRequest, notifications: NotificationService
) -> EventPage:
    """List what happened to the item of a notification, newest first."""
    found = await notifications.events(notification_id, page, actor=actor)
    return EventPage(
        items=[EventView.of(event) for event in found.items], next_cursor=found.next_cursor
    )


def _answer(row: Notification, request: Request[Any, Any, Any]) -> Tagged[NotificationView]:
    # Title and status of the item change without a version of the notification.
    return composed(NotificationView.of(row), version=row.version, request=request)


ROUTES = (
    list_notifications,
    count_unread_notifications,
    read_notifications,
    get_notification,
    change_notification,
    list_notification_events,
)

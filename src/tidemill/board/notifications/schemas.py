"""How notifications look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.notifications.models import Event, Notification
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

Seconds = Annotated[int, Meta(ge=0, le=2**40, description="Seconds since 1970.")]


class ChangeNotification(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    is_read: bool | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    snoozed_until: Seconds | UnsetType | None = UNSET


class ReadThrough(Body, frozen=True, kw_only=True):
    """Up to which fact all is read: the largest `seq` that was shown."""

    through_seq: Annotated[int, Meta(ge=0, le=2**53)]
    project_id: Annotated[
        str | None, Meta(description="Only of this project; its id or key.", examples=["TM"])
    ] = None


class NotificationView(View, frozen=True, kw_only=True):
    """What happened to an item since one read of it last.

    `reason` is the most personal one of `reasons`; `seq` is the number of the last fact.
    `item_key` and `title` are null when the item is gone for good.
    """

    id: str
    work_item_id: str
    project_id: str | None
    item_key: str | None
    title: str | None
    status: str | None
    is_item_deleted: bool
    reason: str
    reasons: list[str]
    event_count: int
    seq: int
    at: int
    is_read: bool
    is_archived: bool
    snoozed_until: int | None
    version: int
    created_at: int

    @classmethod
    def of(cls, row: Notification) -> Self:
        """Return the view of `row`."""
        return cls(
            id=row.id,
            work_item_id=row.work_item_id,
            project_id=row.project_id,
            item_key=row.item_key,
            title=row.title,
            status=row.status,
            is_item_deleted=row.is_item_deleted,
            reason=row.reason,
            reasons=row.reasons.split(),
            event_count=row.event_count,
            seq=row.seq,
            at=row.at // MICROSECONDS_PER_SECOND,
            is_read=row.read_at is not None,
            is_archived=row.archived_at is not None,
            snoozed_until=_seconds(row.snoozed_until),
            version=row.version,
            created_at=row.created_at // MICROSECONDS_PER_SECOND,
        )


class NotificationPage(PageView, frozen=True, kw_only=True):
    """A part of an inbox, newest first."""

    items: list[NotificationView]


class UnreadView(View, frozen=True, kw_only=True):
    """How many are unread; `is_more` says that there are more than were counted."""

    unread: int
    is_more: bool


class ReadView(View, frozen=True, kw_only=True):
    """How many were marked as read."""

    read: int


class EventView(View, frozen=True, kw_only=True):
    """Something that happened; `comment_id` or `field` tells more."""

    id: str
    reason: str
    actor_kind: str
    actor_id: str
    user_id: str | None
    comment_id: str | None
    field: str | None
    old_value: str | None
    new_value: str | None
    at: int

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the view of `event`."""
        return cls(
            id=event.id,
            reason=event.reason,
            actor_kind=event.actor_kind,
            actor_id=event.actor_id,
            user_id=event.actor_user_id,
            comment_id=event.comment_id,
            field=event.field,
            old_value=event.old_value,
            new_value=event.new_value,
            at=event.at // MICROSECONDS_PER_SECOND,
        )


class EventPage(PageView, frozen=True, kw_only=True):
    """A part of what happened to an item, newest first."""

    items: list[EventView]


def _seconds(instant: Instant | None) -> int | None:
    return None if instant is None else instant // MICROSECONDS_PER_SECOND

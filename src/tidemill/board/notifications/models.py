"""A notification, and the rules of who hears of what; no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import FieldChange
from tidemill.board.notification_errors import InvalidSnooze
from tidemill.core.clock import MICROSECONDS_PER_DAY, Instant

snooze_days_max: Final = 366
count_max: Final = 1_000
"""Up to how many unread notifications are counted."""
value_chars_max: Final = 200


class Reason(StrEnum):
    """Why somebody hears of an item, the most personal first."""

    ASSIGNED = "assigned"
    MENTIONED = "mentioned"
    REPLIED = "replied"
    UNBLOCKED = "unblocked"
    DUE_SOON = "due_soon"
    COMMENTED = "commented"
    STATUS_CHANGED = "status_changed"
    SPRINT_STARTED = "sprint_started"
    SPRINT_ENDED = "sprint_ended"
    CHANGED = "changed"


REASONS: Final = tuple(Reason)
_STRENGTH: Final = {reason.value: place for place, reason in enumerate(REASONS)}
# Of what else changes nobody needs to hear: order, dates of planning and the like.
TOLD_FIELDS: Final = ("title", "priority", "due_date", "sprint_id", "description")
SPRINT: Final = "sprint"
"""The field of an event that tells of a sprint, whose name is the new value."""
DELETED: Final = "deleted_at"
"""The field of an event that tells of a deletion, or of a restoration."""


class Folder(StrEnum):
    """Which notifications a list has."""

    INBOX = "inbox"
    UNREAD = "unread"
    SNOOZED = "snoozed"
    ARCHIVED = "archived"


class Event(Struct, frozen=True):
    """Something that happened, as a member hears of it, in the order of its columns.

    A comment is named, not repeated: who deletes it deletes it here, too. `field` with both values
    is what changed; `field` is `deleted_at` where the item itself went or came back.
    """

    id: str
    fact_id: str
    reason: str
    actor_kind: str
    actor_id: str
    actor_user_id: str | None
    comment_id: str | None
    field: str | None
    old_value: str | None
    new_value: str | None
    at: Instant


class Notification(Struct, frozen=True):
    """A row of somebody's inbox, in the order of the columns that a read selects.

    `reason` is the most personal one of `reasons`, which are separated by blanks; both, and
    `event_count`, begin anew with what happens after the row was read. What follows `created_at`
    is joined: of the item, which may be gone.
    """

    id: str
    user_id: str
    work_item_id: str
    reason: str
    reasons: str
    event_count: int
    seq: int
    at: Instant
    read_at: Instant | None
    archived_at: Instant | None
    snoozed_until: Instant | None
    version: int
    created_at: Instant
    project_id: str | None = None
    project_key: str | None = None
    item_number: int | None = None
    title: str | None = None
    status: str | None = None
    deleted_at: Instant | None = None

    @property
    def item_key(self) -> str | None:
        """Return the item's key, None when it is gone for good."""
        return None if self.project_key is None else f"{self.project_key}-{self.item_number}"

    @property
    def is_item_deleted(self) -> bool:
        """Return whether the item, or its project, was deleted."""
        return self.project_key is None or self.deleted_at is not None


class NotificationChanges(Struct, frozen=True, kw_only=True):
    """What a member does with a notification; what is unset stays."""

    is_read: bool | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    snoozed_until: Instant | UnsetType | None = UNSET


class Wish(Struct, frozen=True):
    """Whether somebody wants a notification of a reason, and mail of it."""

    inbox: bool
    mail: str


class Heard(Struct, frozen=True, kw_only=True):
    """That somebody shall hear of something."""

    user_id: str
    reason: Reason
    comment_id: str | None = None
    field: str | None = None
    old_value: str | None = None
    new_value: str | None = None


def gathered(row: Notification, event: Event, seq: int, *, wanted: bool) -> Notification:
    """Return `row` with one more event.

    What is wanted brings the row back, unread, whatever was done with it; what is not (somebody
    wants mail alone) leaves it where it is, so that `seq` is of the last fact that was wanted.
    """
    if not wanted:
        return structs.replace(row, version=row.version + 1)
    is_fresh = row.read_at is not None or row.archived_at is not None
    reasons = (event.reason,) if is_fresh else (*row.reasons.split(), event.reason)
    return structs.replace(
        row,
        reason=strongest(reasons),
        reasons=joined(reasons),
        event_count=1 if is_fresh else row.event_count + 1,
        seq=seq,
        # A row that sleeps lies at the end of its sleep, which this ends.
        at=max(event.at, row.at) if row.snoozed_until is None else event.at,
        read_at=None,
        archived_at=None,
        snoozed_until=None,
        version=row.version + 1,
    )


def changed(row: Notification, changes: NotificationChanges, *, now: Instant) -> Notification:
    """Return `row` with valid changes, or `row` itself; raises `InvalidSnooze`.

    Whoever archives or snoozes has read, and what is marked as unread is back in the inbox.
    """
    wanted = row
    if changes.is_read is not UNSET:
        read_at = (row.read_at or now) if changes.is_read else None
        wanted = structs.replace(
            wanted, read_at=read_at, archived_at=wanted.archived_at if changes.is_read else None
        )
    if changes.is_archived is not UNSET:
        wanted = structs.replace(
            wanted,
            archived_at=(row.archived_at or now) if changes.is_archived else None,
            read_at=(wanted.read_at or now) if changes.is_archived else wanted.read_at,
        )
        wanted = _woken(wanted, now=now) if changes.is_archived else wanted
    if changes.snoozed_until is not UNSET:
        wanted = _snoozed(wanted, changes.snoozed_until, now=now)
    return row if wanted == row else structs.replace(wanted, version=row.version + 1)


def strongest(reasons: Iterable[str]) -> str:
    """Return the most personal one of `reasons`."""
    return min(reasons, key=_rank)


def joined(reasons: Iterable[str]) -> str:
    """Return `reasons`, each once, the most personal first, separated by blanks."""
    return " ".join(sorted(set(reasons), key=_rank))


def told_change(changes: Iterable[FieldChange]) -> FieldChange | None:
    """Return the one of `changes` that watchers hear of, if there is one."""
    by_name = {change.field_name: change for change in changes}
    return next((by_name[name] for name in TOLD_FIELDS if name in by_name), None)


def shown_values(change: FieldChange) -> tuple[str | None, str | None]:
    """Return both values of a change, cut; a description is not repeated at all."""
    if change.field_name == "description":
        return None, None
    return cut(change.old_value), cut(change.new_value)


def _snoozed(row: Notification, until: Instant | None, *, now: Instant) -> Notification:
    if until is None:
        return _woken(row, now=now)
    if not now < until <= now + snooze_days_max * MICROSECONDS_PER_DAY:
        raise InvalidSnooze
    # It comes back as the newest one, and unread: that is what one sends it away for.
    return structs.replace(row, snoozed_until=until, at=until, read_at=None, archived_at=None)


def _woken(row: Notification, *, now: Instant) -> Notification:
    if row.snoozed_until is None:
        return row
    # It lay where it would have come back, which may be far ahead.
    return structs.replace(row, snoozed_until=None, at=min(row.at, now))


def _rank(reason: str) -> int:
    return _STRENGTH.get(reason, len(_STRENGTH))


def cut(value: str | None) -> str | None:
    """Return a value that is no longer than one is told."""
    return value if value is None else value[:value_chars_max]

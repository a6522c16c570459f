"""One field of one version of an item: what it was and what it became."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.board.contract import FieldChange, WorkItemId
from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant


class Action(StrEnum):
    """What happened to the item."""

    CREATED = "created"
    IMPORTED = "imported"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"
    TRANSFERRED = "transferred"
    COMMENTED = "commented"
    COMMENT_EDITED = "comment_edited"
    COMMENT_DELETED = "comment_deleted"
    ATTACHED = "attached"
    ATTACHMENT_DELETED = "attachment_deleted"


Happened = tuple[Action, str]
"""What happened, and the id of the fact that tells it."""


class Activity(Struct, frozen=True):
    """A row of an item's history, in the order of its columns.

    `field` is empty where the action concerns the item as a whole. What happens to a comment makes
    no version of the item: its field is that comment's, and the new value the comment's id. So it
    is with a file, whose name is the new value, or the old one once it is gone.
    """

    work_item_id: WorkItemId
    version: int
    field: str
    action: Action
    old_value: str | None
    new_value: str | None
    at: Instant
    actor_kind: ActorKind
    actor_id: str
    user_id: str | None


WHOLE_ITEM = (FieldChange(field_name="", old_value=None, new_value=None),)
"""The change of an action that concerns no single field."""

COMMENT_FIELD = "comment"
ATTACHMENT_FIELD = "attachment"


def comment_field(comment_id: str, version: int) -> str:
    """Return a field that no other activity of the item has."""
    return f"{COMMENT_FIELD}:{comment_id}:{version}"


def attachment_field(attachment_id: str, action: Action) -> str:
    """Return a field that no other activity of the item has."""
    return f"{ATTACHMENT_FIELD}:{attachment_id}:{action}"


def shown_field(activity: Activity) -> str | None:
    """Return the field as people see it: without which comment or file it is."""
    for field in (COMMENT_FIELD, ATTACHMENT_FIELD):
        if activity.field.startswith(f"{field}:"):
            return field
    return activity.field or None

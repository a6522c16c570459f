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


class Activity(Struct, frozen=True):
    """A row of an item's history, in the order of its columns.

    `field` is empty where the action concerns the item as a whole.
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

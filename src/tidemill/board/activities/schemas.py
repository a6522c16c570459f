"""How activities look on the wire."""

from __future__ import annotations

from typing import Self

from msgspec import UNSET, UnsetType

from tidemill.board.activities.models import Activity, shown_field
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import PageView, View


class ActivityActorView(View, frozen=True, kw_only=True):
    """Who did it: kind and id of the credential, and the person behind it."""

    kind: str
    id: str
    user_id: str | None


class ActivityView(View, frozen=True, kw_only=True):
    """One field of one version; `field` is null where the whole item is meant.

    Where it is `comment`, `new_value` is the comment's id; where it is `attachment`, the file's
    name, which is `old_value` once the file is gone. `seq` comes where a list begins at one.
    """

    version: int
    action: str
    field: str | None
    old_value: str | None
    new_value: str | None
    actor: ActivityActorView
    at: int
    work_item_id: str
    seq: int | UnsetType = UNSET

    @classmethod
    def of(cls, activity: Activity, seq: int | UnsetType = UNSET) -> Self:
        """Return the view of `activity`, with the number of the fact that told it."""
        return cls(
            work_item_id=activity.work_item_id,
            seq=seq,
            version=activity.version,
            action=activity.action,
            field=shown_field(activity),
            old_value=activity.old_value,
            new_value=activity.new_value,
            actor=ActivityActorView(
                kind=activity.actor_kind, id=activity.actor_id, user_id=activity.user_id
            ),
            at=activity.at // MICROSECONDS_PER_SECOND,
        )


class ActivityPage(PageView, frozen=True, kw_only=True):
    """A part of the history of an item or a project.

    With `since` it is in the order of the numbers of facts, oldest first, and `through_seq` is what
    to ask for next: all up to it was shown. Without, it is newest first, and what is written
    later has a greater number than `through_seq`.
    """

    items: list[ActivityView]
    through_seq: int

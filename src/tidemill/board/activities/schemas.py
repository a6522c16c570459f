"""How activities look on the wire."""

from __future__ import annotations

from typing import Self

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
    name, which is `old_value` once the file is gone.
    """

    version: int
    action: str
    field: str | None
    old_value: str | None
    new_value: str | None
    actor: ActivityActorView
    at: int

    @classmethod
    def of(cls, activity: Activity) -> Self:
        """Return the view of `activity`."""
        return cls(
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
    """A part of an item's history, newest first."""

    items: list[ActivityView]

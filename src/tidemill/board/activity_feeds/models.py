"""A part of what happened since a number of the stream."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.board.activities.models import Activity
from tidemill.board.contract import WorkItemId
from tidemill.core.pages import Key, PageRequest, cursor_after

stream_window: Final = 5_000
"""How many numbers of a tenant's stream one page of a project looks at."""

_BEHIND_ALL: Final = "~"


class Numbered(Struct, frozen=True):
    """An activity with the number of the fact that told it, in the order of its columns."""

    seq: int
    activity: Activity


class Place(Struct, frozen=True):
    """A place in the order of activities by number, version, item and field."""

    seq: int
    version: int = 2**62
    work_item_id: WorkItemId | str = _BEHIND_ALL
    field: str = _BEHIND_ALL

    def key(self) -> Key:
        """Return what a cursor holds of it."""
        return self.seq, self.version, self.work_item_id, self.field


class Feed(Struct, frozen=True, kw_only=True):
    """A page, oldest first; all that has a number up to `through_seq` was on it or before it."""

    items: list[Numbered]
    through_seq: int
    next_cursor: str | None = None


def feed_of(rows: list[Numbered], page: PageRequest, *, until: int, head: int) -> Feed:
    """Cut rows, of which there may be one too many, to a page.

    They hold what has numbers up to `until`; `head` is the last number of all.
    """
    if len(rows) > page.limit:
        shown = rows[: page.limit]
        last, activity = shown[-1].seq, shown[-1].activity
        place = Place(last, activity.version, activity.work_item_id, activity.field)
        # More of the last number may follow.
        return Feed(items=shown, through_seq=last - 1, next_cursor=cursor_after(place.key(), page))
    more = cursor_after(Place(until).key(), page) if until < head else None
    return Feed(items=rows, through_seq=until, next_cursor=more)

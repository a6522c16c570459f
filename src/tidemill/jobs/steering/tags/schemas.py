"""Bodies of tags."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.jobs.steering.tags.models import TagState


class PauseTag(Body, frozen=True, kw_only=True):
    """For whom: this tenant, or `everywhere`, which only operators may."""

    everywhere: bool = False


class TagView(View, frozen=True, kw_only=True):
    """A tag: how many jobs wait and run, and since when none is handed out."""

    tag: str
    scheduled: int
    waiting: int
    queued: int
    running: int
    oldest_due_at: str | None
    paused: bool
    paused_at: str | None
    paused_everywhere_at: str | None

    @classmethod
    def of(cls, state: TagState) -> Self:
        """Return the view of `state`."""
        return cls(
            tag=state.tag,
            scheduled=state.scheduled,
            waiting=state.waiting,
            queued=state.queued,
            running=state.running,
            oldest_due_at=rfc3339_or_none(state.oldest_due_at),
            paused=state.paused,
            paused_at=rfc3339_or_none(state.paused_at),
            paused_everywhere_at=rfc3339_or_none(state.paused_everywhere_at),
        )


class TagPage(PageView, frozen=True, kw_only=True):
    """Tags with jobs or a pause, by name; the jobs were counted at `counted_at`."""

    items: list[TagView]
    counted_at: str

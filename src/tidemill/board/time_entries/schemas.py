"""How time entries look on the wire."""

from __future__ import annotations

from datetime import date as Date  # noqa: N812 - a field is named date
from typing import Annotated, Final, Self

from msgspec import UNSET, Meta, UnsetType, structs

from tidemill.board.time_tracking.models import Overlap, TimeEntry, TimeSource, Tracked
from tidemill.board.time_tracking.spans import Times
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.http import Body, PageView, View

_seconds_max: Final = 2**40

Seconds = Annotated[int, Meta(ge=0, le=_seconds_max, description="Seconds since 1970.")]
Duration = Annotated[int, Meta(ge=0, le=_seconds_max, description="How long it took, in seconds.")]
Day = Annotated[
    Date, Meta(description="The day, where only that is known; needs duration_seconds.")
]
Version = Annotated[int, Meta(ge=1, le=2**53)]


class CreateTimeEntry(Body, frozen=True, kw_only=True):
    """Time that was spent on an item.

    Two of `started_at`, `ended_at` and `duration_seconds`, or `date` with `duration_seconds`.
    """

    work_item_id: Annotated[
        str, Meta(min_length=1, description="The item's id or key.", examples=["TM-1"])
    ]
    started_at: Seconds | UnsetType = UNSET
    ended_at: Seconds | UnsetType = UNSET
    duration_seconds: Duration | UnsetType = UNSET
    date: Day | UnsetType = UNSET
    description: str | None = None
    user_id: Annotated[
        str | None, Meta(description="Whose time it is; admins alone may name somebody else.")
    ] = None

    @property
    def times(self) -> Times:
        """Return what the body says of the times."""
        return Times(
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration_seconds=self.duration_seconds,
            date=self.date,
        )


class ChangeTimeEntry(Body, frozen=True, kw_only=True):
    """What shall change: a field that is left out stays; null empties the description."""

    work_item_id: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    started_at: Seconds | UnsetType = UNSET
    ended_at: Seconds | UnsetType = UNSET
    duration_seconds: Duration | UnsetType = UNSET
    date: Day | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    expected_version: Version | UnsetType = UNSET

    @property
    def times(self) -> Times:
        """Return what the body says of the times."""
        return Times(
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration_seconds=self.duration_seconds,
            date=self.date,
        )


class TimeUserView(View, frozen=True, kw_only=True):
    """Whose time it is; who left the tenant has no name here any more."""

    id: str
    name: str | None


class TimeItemView(View, frozen=True, kw_only=True):
    """The item that time was spent on; it may be deleted."""

    id: str
    key: str
    title: str


class TimeEntryView(View, frozen=True, kw_only=True):
    """A time entry; instants are whole seconds since 1970.

    `ended_at` and `duration_seconds` are null while its timer runs. Where `date` is set, only the
    day is known.
    """

    id: str
    work_item: TimeItemView
    project_id: str
    user: TimeUserView
    started_at: int
    ended_at: int | None
    duration_seconds: int | None
    date: str | None
    description: str | None
    source: TimeSource
    job_id: str | None
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, entry: TimeEntry) -> Self:
        """Return the view of `entry`."""
        return cls(
            id=entry.id,
            work_item=TimeItemView(
                id=entry.work_item_id, key=entry.item_key, title=entry.item_title
            ),
            project_id=entry.project_id,
            user=TimeUserView(id=entry.user_id, name=entry.user_name),
            started_at=entry.started_at // MICROSECONDS_PER_SECOND,
            ended_at=_seconds(entry.ended_at),
            duration_seconds=entry.span.seconds,
            date=entry.date,
            description=entry.description,
            source=TimeSource(entry.source),
            job_id=entry.job_id,
            version=entry.version,
            created_at=entry.created_at // MICROSECONDS_PER_SECOND,
            created_by=entry.created_by,
            updated_at=entry.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=entry.updated_by,
        )


class OverlapView(View, frozen=True, kw_only=True):
    """Another entry of the person that has time in common with this one."""

    id: str
    started_at: int
    ended_at: int | None

    @classmethod
    def of(cls, overlap: Overlap) -> Self:
        """Return the view of `overlap`."""
        return cls(
            id=overlap.id,
            started_at=overlap.started_at // MICROSECONDS_PER_SECOND,
            ended_at=_seconds(overlap.ended_at),
        )


class TrackedView(TimeEntryView, frozen=True, kw_only=True):
    """A time entry, the first ten that it overlaps, and the one that a new timer stopped."""

    overlaps: list[OverlapView]
    stopped_entry: TimeEntryView | None = None

    @classmethod
    def telling(cls, tracked: Tracked) -> Self:
        """Return the view of `tracked`."""
        stopped = tracked.stopped
        return cls(
            **structs.asdict(TimeEntryView.of(tracked.entry)),
            overlaps=[OverlapView.of(overlap) for overlap in tracked.overlaps],
            stopped_entry=TimeEntryView.of(stopped) if stopped is not None else None,
        )


class TimeEntryPage(PageView, frozen=True, kw_only=True):
    """A part of a list of time entries, the last begun first."""

    items: list[TimeEntryView]


class ItemTimePage(TimeEntryPage, frozen=True, kw_only=True):
    """A part of what was spent on an item; `spent_seconds` is the sum of all of it.

    A timer counts once it is stopped.
    """

    spent_seconds: int


def _seconds(instant: Instant | None) -> int | None:
    return None if instant is None else instant // MICROSECONDS_PER_SECOND

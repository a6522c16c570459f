"""A time entry and the rules of its fields."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import FieldChange, ProjectId, WorkItemId
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import many_lines
from tidemill.board.time_contract import TimeEntryId, TimeEntryState
from tidemill.board.time_tracking.spans import Span, Times, date_of
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant

_USER_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class TimeSource(StrEnum):
    """How an entry came to be."""

    TIMER = "timer"
    MANUAL = "manual"
    JOB = "job"


class TimeEntry(Struct, frozen=True):
    """A time entry, in the order of the columns that a read selects.

    Item's number and title, project's key and person's name are joined; the item may be deleted.
    """

    id: TimeEntryId
    work_item_id: WorkItemId
    project_id: ProjectId
    project_key: str
    project_archived_at: Instant | None
    item_number: int
    item_title: str
    user_id: str
    user_name: str | None
    started_at: Instant
    ended_at: Instant | None
    on_day: int | None
    description: str | None
    source: str
    job_id: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None
    item_archived_at: Instant | None = None

    @property
    def item_key(self) -> str:
        """Return the number of the item that people see, such as `TM-12`."""
        return f"{self.project_key}-{self.item_number}"

    @property
    def span(self) -> Span:
        """Return when it began and ended."""
        return Span(self.started_at, self.ended_at, self.on_day)

    @property
    def date(self) -> str | None:
        """Return the day where only the day is known, such as 2026-03-01."""
        return None if self.on_day is None else date_of(self.on_day).isoformat()

    def state(self) -> TimeEntryState:
        """Return what facts carry of the entry."""
        return TimeEntryState(
            id=self.id,
            work_item_id=self.work_item_id,
            work_item_key=self.item_key,
            project_id=self.project_id,
            user_id=self.user_id,
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration_seconds=self.span.seconds,
            date=self.date,
            description=self.description,
            source=self.source,
            job_id=self.job_id,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
            deleted_at=self.deleted_at,
        )


class Overlap(Struct, frozen=True):
    """Another entry of the same person that has time in common with one."""

    id: TimeEntryId
    started_at: Instant
    ended_at: Instant | None


class Tracked(Struct, frozen=True, kw_only=True):
    """An entry with what is told about it: what it overlaps, and what a new timer stopped."""

    entry: TimeEntry
    overlaps: tuple[Overlap, ...] = ()
    stopped: TimeEntry | None = None


class NewTimeEntry(Struct, frozen=True, kw_only=True):
    """What a caller gives to enter time by hand; the item by id or key, no user is the caller."""

    work_item: str
    times: Times
    description: str | None = None
    user_id: str | None = None


class TimeEntryChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and a description that is null is emptied."""

    times: Times = Times()
    work_item: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class TimeEntryFilter(Struct, frozen=True, kw_only=True):
    """Which entries a list holds: those that began since `since` and before `until`."""

    user_id: str | None = None
    work_item_id: WorkItemId | None = None
    project_id: ProjectId | None = None
    since: Instant | None = None
    until: Instant | None = None


def owner_of(actor: Actor) -> str:
    """Return whose time it is that `actor` tracks: the person's behind a token or a job."""
    return actor.user_id or actor.id


def is_user_id(text: str) -> bool:
    """Return whether `text` can be the id of a person, a token or a part of the system."""
    return _USER_ID.fullmatch(text) is not None


def valid_time_description(text: str | None, limits: BoardLimits) -> str | None:
    """Return a description with plain line ends; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.time_description_chars_max)


def spanning(entry: TimeEntry, span: Span) -> TimeEntry:
    """Return `entry` with another span."""
    return structs.replace(
        entry, started_at=span.started_at, ended_at=span.ended_at, on_day=span.on_day
    )


def next_version(entry: TimeEntry, *, at: Instant, by: str) -> TimeEntry:
    """Return `entry` as the version after its own."""
    return structs.replace(entry, version=entry.version + 1, updated_at=at, updated_by=by)


def differences(old: TimeEntry, new: TimeEntry) -> tuple[FieldChange, ...]:
    """Return which fields differ, with both values as text; instants in seconds since 1970."""
    pairs = (
        ("work_item_id", old.work_item_id, new.work_item_id),
        ("started_at", _seconds(old.started_at), _seconds(new.started_at)),
        ("ended_at", _seconds(old.ended_at), _seconds(new.ended_at)),
        ("date", old.date, new.date),
        ("description", old.description, new.description),
    )
    return tuple(
        FieldChange(field_name=field, old_value=before, new_value=after)
        for field, before, after in pairs
        if before != after
    )


def _seconds(instant: Instant | None) -> str | None:
    return None if instant is None else str(instant // MICROSECONDS_PER_SECOND)

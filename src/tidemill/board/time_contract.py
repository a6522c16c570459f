"""What other features may know of tracked time: ids, facts, and what it does for them."""

from __future__ import annotations

from typing import Final, NewType, Protocol

from msgspec import Struct

from tidemill.board.contract import (
    BoardFact,
    FieldChange,
    ProjectId,
    WorkItemId,
    item_topics,
)
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic, topic
from tidemill.core.module import Port
from tidemill.core.ports import Tx

TimeEntryId = NewType("TimeEntryId", str)


class JobTime(Struct, frozen=True, kw_only=True):
    """A job that has ended: who it ran for, from when to when, and what to call it."""

    id: str
    user_id: str
    started_at: Instant
    finished_at: Instant
    description: str | None = None


class TimeEntryState(Struct, frozen=True, kw_only=True):
    """A time entry as facts carry it; instants are microseconds.

    `ended_at` and `duration_seconds` are None while its timer runs. `date` is set where only the
    day is known, such as 2026-03-01.
    """

    id: TimeEntryId
    work_item_id: WorkItemId
    work_item_key: str
    project_id: ProjectId
    user_id: str
    started_at: Instant
    ended_at: Instant | None
    duration_seconds: int | None
    date: str | None
    description: str | None
    source: str
    job_id: str | None
    version: int
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = None


class TimerStarted(BoardFact, frozen=True, kw_only=True):
    """A timer runs; `stopped_entry` is the person's earlier one, which ended by that."""

    time_entry: TimeEntryState
    user_id: str | None
    stopped_entry: TimeEntryState | None = None

    def topics(self) -> tuple[Topic, ...]:
        """Return the items of both entries, their projects, and whose they are."""
        return tuple(dict.fromkeys((*_topics(self.time_entry), *_topics(self.stopped_entry))))

    @property
    def subject(self) -> str:
        """Return the id of the entry that runs."""
        return self.time_entry.id


class TimerStopped(BoardFact, frozen=True, kw_only=True):
    """A timer has ended, and its entry has its duration."""

    time_entry: TimeEntryState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the entry's item, its project, and whose it is."""
        return _topics(self.time_entry)

    @property
    def subject(self) -> str:
        """Return the entry's id."""
        return self.time_entry.id


class TimeEntryCreated(BoardFact, frozen=True, kw_only=True):
    """Time was entered by hand, or booked for a job."""

    time_entry: TimeEntryState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the entry's item, its project, and whose it is."""
        return _topics(self.time_entry)

    @property
    def subject(self) -> str:
        """Return the entry's id."""
        return self.time_entry.id


class TimeEntryUpdated(BoardFact, frozen=True, kw_only=True):
    """Fields of a time entry changed; `time_entry` is the entry after the change.

    `moved_from` is the entry before, where it went to another item.
    """

    time_entry: TimeEntryState
    changes: tuple[FieldChange, ...]
    user_id: str | None
    moved_from: TimeEntryState | None = None

    def topics(self) -> tuple[Topic, ...]:
        """Return the items before and after, their projects, and whose the entry is."""
        return tuple(dict.fromkeys((*_topics(self.time_entry), *_topics(self.moved_from))))

    @property
    def subject(self) -> str:
        """Return the entry's id."""
        return self.time_entry.id


class TimeEntryDeleted(BoardFact, frozen=True, kw_only=True):
    """A time entry was deleted, or a running timer was discarded."""

    time_entry_id: TimeEntryId
    work_item_id: WorkItemId
    project_id: ProjectId
    owner_id: str
    version: int
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the entry's item, its project, and whose it was."""
        return (*item_topics(self.work_item_id, self.project_id), topic("user", self.owner_id))

    @property
    def subject(self) -> str:
        """Return the entry's id."""
        return self.time_entry_id


class JobTimes(Protocol):
    """What time tracking does for features above the board."""

    def book(
        self, tx: Tx, item_id: WorkItemId, job: JobTime, *, by: Actor
    ) -> TimeEntryState | None:
        """Book the time of a job that has ended on its item, once, in `tx`.

        Returns None where the project does not want it, is archived or gone, and where the item
        is.
        """
        ...


JOB_TIMES: Final[Port[JobTimes]] = Port("job times")


def _topics(entry: TimeEntryState | None) -> tuple[Topic, ...]:
    if entry is None:
        return ()
    return (*item_topics(entry.work_item_id, entry.project_id), topic("user", entry.user_id))

"""Due times and what becomes of them; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState

TRIGGER: Final = "schedule-occurrence:"
"""What the `trigger_id` of such a job begins with; the occurrence's id follows."""


class OccurrenceState(StrEnum):
    """Where a due time is; the last four are final."""

    PENDING = "pending"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Its job failed, was cancelled or ran out of time; `reason` says which."""
    SKIPPED = "skipped"
    MISSED = "missed"
    """It passed while nothing could start it."""

    @property
    def final(self) -> bool:
        """Return whether nothing happens to it any more."""
        return self not in {OccurrenceState.PENDING, OccurrenceState.STARTED}


class Origin(StrEnum):
    """Why there is an occurrence."""

    SCHEDULE = "schedule"
    BACKFILL = "backfill"
    MANUAL = "manual"


class Kind(StrEnum):
    """Whether a row is one due time, or many that nobody started."""

    RUN = "run"
    GAP = "gap"


class Occurrence(Struct, frozen=True):
    """A due time; the fields are in the order of the repository's columns."""

    id: str
    schedule_id: str
    kind: str
    due_at: Instant
    through_at: Instant
    dues: int
    origin: str
    starts_at: Instant
    state: OccurrenceState
    reason: str | None
    job_id: str | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None

    @property
    def trigger_id(self) -> str:
        """Return what its job carries."""
        return f"{TRIGGER}{self.id}"


def settled_state(state: JobState) -> tuple[OccurrenceState, str | None]:
    """Return what an occurrence is when its job ended so, and the reason where it helps."""
    if state is JobState.SUCCEEDED:
        return OccurrenceState.SUCCEEDED, None
    return OccurrenceState.FAILED, {
        JobState.CANCELLED: "its job was cancelled",
        JobState.TIMED_OUT: "its job ran out of time",
    }.get(state, "its job failed")

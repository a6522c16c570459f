"""Bodies of occurrences."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState, Origin


class Backfill(Body, frozen=True, kw_only=True):
    """Which due times shall start that have not: from `since` to `until`, both included.

    A preview starts nothing. `failed` says to run those again that have failed.
    """

    since: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)]
    preview: bool = False
    failed: bool = False


class BackfillView(View, frozen=True, kw_only=True):
    """The due times that start, or would."""

    preview: bool
    due_at: list[str]


class OccurrenceView(View, frozen=True, kw_only=True):
    """A due time and what became of it; `dues` of them up to `through_at` where it is many.

    `reason` says what it waits for, or why it started no job, or how that ended.
    """

    id: str
    schedule_id: str
    due_at: str
    through_at: str
    dues: int
    origin: Origin
    starts_at: str
    state: OccurrenceState
    reason: str | None
    job_id: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None

    @classmethod
    def of(cls, occurrence: Occurrence) -> Self:
        """Return the view of `occurrence`."""
        return cls(
            id=occurrence.id,
            schedule_id=occurrence.schedule_id,
            due_at=rfc3339(occurrence.due_at),
            through_at=rfc3339(occurrence.through_at),
            dues=occurrence.dues,
            origin=Origin(occurrence.origin),
            starts_at=rfc3339(occurrence.starts_at),
            state=occurrence.state,
            reason=occurrence.reason,
            job_id=occurrence.job_id,
            created_at=rfc3339(occurrence.created_at),
            started_at=rfc3339_or_none(occurrence.started_at),
            finished_at=rfc3339_or_none(occurrence.finished_at),
        )


class OccurrencePage(PageView, frozen=True, kw_only=True):
    """A part of a schedule's occurrences, the last due times first."""

    items: list[OccurrenceView]

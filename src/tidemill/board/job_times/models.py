"""Whether a project books the time of its jobs, and which stretch of a job that is."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from tidemill.board.contract import ProjectId
from tidemill.board.time_tracking.spans import Span, second_of
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant


class TimeSettings(Struct, frozen=True):
    """What holds for the time of a project, in the order of the columns.

    What was never set has version 0.
    """

    project_id: ProjectId
    jobs_booked_since: Instant | None = None
    version: int = 0
    updated_at: Instant | None = None
    updated_by: str | None = None

    @property
    def books_jobs(self) -> bool:
        """Return whether the time of jobs is booked."""
        return self.jobs_booked_since is not None


def changed(settings: TimeSettings, *, books_jobs: bool, at: Instant, by: str) -> TimeSettings:
    """Return what holds after a change; without one, `settings` themselves."""
    if settings.books_jobs == books_jobs:
        return settings
    return structs.replace(
        settings,
        jobs_booked_since=at if books_jobs else None,
        version=settings.version + 1,
        updated_at=at,
        updated_by=by,
    )


_second: Final = MICROSECONDS_PER_SECOND


def job_span(started_at: Instant, finished_at: Instant) -> Span:
    """Return the time of a job: whole seconds, of which one that has begun counts."""
    begin = second_of(started_at)
    seconds = -(-max(0, finished_at - started_at) // _second)
    return Span(begin, Instant(begin + seconds * _second))

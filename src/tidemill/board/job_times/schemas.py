"""How what holds for the time of a project looks on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.board.job_times.models import TimeSettings
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, View


class PutTimeSettings(Body, frozen=True, kw_only=True):
    """Whether the time that jobs run is booked on the items that they run for."""

    books_jobs: bool


class TimeSettingsView(View, frozen=True, kw_only=True):
    """What holds for the time of a project; what was never set has version 0."""

    project_id: str
    books_jobs: bool
    version: int
    updated_at: int | None
    updated_by: str | None

    @classmethod
    def of(cls, settings: TimeSettings) -> Self:
        """Return the view of `settings`."""
        at = settings.updated_at
        return cls(
            project_id=settings.project_id,
            books_jobs=settings.books_jobs,
            version=settings.version,
            updated_at=None if at is None else at // MICROSECONDS_PER_SECOND,
            updated_by=settings.updated_by,
        )

"""Bodies of progress."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.jobs.records.progress.models import Progress


class PutProgress(Body, frozen=True, kw_only=True):
    """How far the job is."""

    percent: Annotated[float, Meta(ge=0, le=100)]
    text: Annotated[str, Meta(max_length=200)] = ""


class ProgressView(View, frozen=True, kw_only=True):
    """How far a job is; null where it has not said."""

    percent: float | None
    text: str
    updated_at: str | None

    @classmethod
    def of(cls, progress: Progress | None) -> Self:
        """Return the view of `progress`."""
        if progress is None:
            return cls(percent=None, text="", updated_at=None)
        return cls(
            percent=progress.percent,
            text=progress.text,
            updated_at=rfc3339(progress.updated_at),
        )

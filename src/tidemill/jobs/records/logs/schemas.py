"""Bodies of logs."""

from __future__ import annotations

from typing import Self

from tidemill.http import View
from tidemill.jobs.contract import JobState
from tidemill.jobs.records.logs.service import LogPage


class LogView(View, frozen=True, kw_only=True):
    """A part of what a job has printed; ask again with `next_offset` until it is `complete`.

    `execution` counts each time that the job was given to a worker, also when it was given back.
    """

    job_id: str
    state: JobState
    execution: int
    offset: int
    next_offset: int
    text: str
    complete: bool

    @classmethod
    def of(cls, page: LogPage) -> Self:
        """Return the view of `page`."""
        return cls(
            job_id=page.job.public_id,
            state=page.job.state,
            execution=page.execution,
            offset=page.offset,
            next_offset=page.next_offset,
            text=page.text,
            complete=page.complete,
        )

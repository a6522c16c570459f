"""Bodies of control over single jobs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from msgspec import Meta

from tidemill.http import Body, View
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.schemas import JobView
from tidemill.jobs.steering.control.models import Changes, CodeChoice, snooze_seconds_max
from tidemill.jobs.steering.control.service import Links


class RetryJob(Body, frozen=True, kw_only=True):
    """Which text of a script runs: the `current` one, or the `same` one again."""

    code: CodeChoice = CodeChoice.CURRENT


class RerunJob(Body, frozen=True, kw_only=True):
    """What shall be otherwise than the first time; `args` are put over the old ones."""

    args: dict[str, Any] | None = None
    tag: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    attempts_max: int | None = None
    code: CodeChoice = CodeChoice.CURRENT

    def changes(self) -> Changes:
        """Return the changes in the words of the queue."""
        return Changes(
            args=self.args,
            tag=self.tag,
            priority=self.priority,
            timeout_seconds=self.timeout_seconds,
            attempts_max=self.attempts_max,
        )


class SnoozeJob(Body, frozen=True, kw_only=True):
    """For how long the job shall wait from now on."""

    seconds: Annotated[float, Meta(ge=1, le=snooze_seconds_max)]


class LinkedJobView(View, frozen=True, kw_only=True):
    """A job, the one that it was made from, and the one that retries it."""

    job: JobView
    origin_id: str | None
    retry_id: str | None

    @classmethod
    def of(cls, job: Job, links: Links) -> Self:
        """Return the view of `job` and its links."""
        return cls(job=JobView.of(job), origin_id=links.origin_id, retry_id=links.retry_id)

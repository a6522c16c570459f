"""Bodies of changes to many jobs, and of the list of the dead."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta, field

from tidemill.core.pages import PageRequest, cursor_after, page_request
from tidemill.http import Body, PageView, View
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.schemas import JobView
from tidemill.jobs.records.search.models import JobFilter
from tidemill.jobs.records.search.schemas import JobFilterBody
from tidemill.jobs.steering.bulk.models import (
    BulkResult,
    Refusal,
    check_all_meant,
    portion_max,
)
from tidemill.jobs.steering.control.models import CodeChoice, DeathReason, death_of


class ChangeJobs(Body, frozen=True, kw_only=True):
    """Which jobs to change, and where to go on; a dry run only counts them.

    One request changes one portion. While the answer has a `next_cursor`, send it with the same
    filter for the next one.
    """

    filter: JobFilterBody = field(default_factory=JobFilterBody)
    dry_run: bool = False
    limit: Annotated[int, Meta(ge=1, le=portion_max)] = portion_max
    cursor: Annotated[str, Meta(max_length=1000)] | None = None

    def page(self) -> PageRequest:
        """Return the portion that is asked for."""
        return page_request(self.limit, self.cursor, self.filter.wanted().digest)


class RetryJobs(ChangeJobs, frozen=True, kw_only=True):
    """Which jobs to run again, and which text of their scripts runs then."""

    code: CodeChoice = CodeChoice.CURRENT


class ReplayJobs(RetryJobs, frozen=True, kw_only=True):
    """Which dead jobs to run again: those that fit the filter, or `all` of them.

    Beside `all` the filter has no field but `state`.
    """

    all: bool = False

    def wanted(self) -> JobFilter:
        """Return the filter in the words of the queue; raises where it is not said which jobs."""
        wanted = self.filter.wanted()
        check_all_meant(wanted, all_=self.all)
        return wanted


class BulkView(View, frozen=True, kw_only=True):
    """What one request changed.

    `matched` counts the jobs that fit, `changed` those that were changed; `more` says that a dry
    run stopped counting. `refused` names jobs that were left as they are.
    """

    matched: int
    changed: int
    more: bool
    refused: list[Refusal]
    dry_run: bool
    next_cursor: str | None

    @classmethod
    def of(cls, result: BulkResult, page: PageRequest, *, dry_run: bool) -> Self:
        """Return the view of `result`."""
        after = result.after
        return cls(
            matched=result.matched,
            changed=result.changed,
            more=result.more,
            refused=list(result.refused),
            dry_run=dry_run,
            next_cursor=None if after is None else cursor_after((after,), page),
        )


class DeadJobView(View, frozen=True, kw_only=True):
    """A job that has failed for good, and why nobody tries it again by itself."""

    reason: DeathReason
    job: JobView

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the view of `job`."""
        return cls(reason=death_of(job), job=JobView.listed(job))


class DeadJobPage(PageView, frozen=True, kw_only=True):
    """A part of the list of dead jobs, the latest first."""

    items: list[DeadJobView]

"""HTTP of changes to many jobs, and of the list of the dead."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import Idempotency, get, post
from tidemill.http.parameters import Cursor, Limit, instant_of
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.records.search.models import Among, JobFilter
from tidemill.jobs.records.search.routes import InState, Path, Since, Until, Who
from tidemill.jobs.records.search.service import SearchService
from tidemill.jobs.steering.bulk.models import BulkResult
from tidemill.jobs.steering.bulk.schemas import (
    BulkView,
    ChangeJobs,
    DeadJobPage,
    DeadJobView,
    ReplayJobs,
    RetryJobs,
)
from tidemill.jobs.steering.bulk.service import BulkService


@post("/jobs/cancel", RUN_JOBS, status_code=200)
async def cancel_jobs(
    data: ChangeJobs,
    actor: Actor,
    idempotency: Idempotency,
    job_bulk: BulkService,
    item_links: ItemLinks,
) -> BulkView:
    """End the jobs that fit a filter, a portion in each request."""
    wanted, page = await _within(data.filter.wanted(), item_links, actor), data.page()
    if data.dry_run:
        result = await job_bulk.count_to_cancel(wanted, actor=actor)
    else:
        once = idempotency.once(BulkResult)
        result = await job_bulk.cancel(page, wanted, actor=actor, once=once)
    return BulkView.of(result, page, dry_run=data.dry_run)


@post("/jobs/retry", RUN_JOBS, status_code=200)
async def retry_jobs(
    data: RetryJobs,
    actor: Actor,
    idempotency: Idempotency,
    job_bulk: BulkService,
    item_links: ItemLinks,
) -> BulkView:
    """Run the jobs again that ended without success and fit a filter, a portion in each request.

    Without a `state` in the filter these are the dead ones.
    """
    wanted, page = await _within(data.filter.wanted(), item_links, actor), data.page()
    if data.dry_run:
        result = await job_bulk.count_to_retry(wanted, actor=actor)
    else:
        once = idempotency.once(BulkResult)
        result = await job_bulk.retry(page, wanted, actor=actor, code=data.code, once=once)
    return BulkView.of(result, page, dry_run=data.dry_run)


@get("/dead-jobs", READ_JOBS)
async def list_dead_jobs(  # noqa: PLR0913 - each filter is a parameter of the query
    *,
    actor: Actor,
    job_search: SearchService,
    item_links: ItemLinks,
    in_state: InState = None,
    tag: str | None = None,
    path: Path = None,
    label: str | None = None,
    who: Who = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> DeadJobPage:
    """List the jobs that have failed for good and that nobody has retried, the latest first."""
    wanted = JobFilter(
        state=in_state,
        tag=tag,
        path=path,
        label=label,
        actor_id=who,
        since=instant_of("since", since),
        until=instant_of("until", until),
        among=Among.DEAD,
    )
    found = await job_search.list(page_request(limit, cursor, wanted.digest), wanted, actor=actor)
    shown = await item_links.all_shown(found.items, actor)
    return DeadJobPage(items=[DeadJobView.of(job) for job in shown], next_cursor=found.next_cursor)


@post("/dead-jobs/replay", RUN_JOBS, status_code=200)
async def replay_dead_jobs(
    data: ReplayJobs,
    actor: Actor,
    idempotency: Idempotency,
    job_bulk: BulkService,
    item_links: ItemLinks,
) -> BulkView:
    """Run dead jobs again, those that fit a filter or `all`, a portion in each request.

    Each is retried once, and leaves the list of the dead.
    """
    wanted, page = await _within(data.wanted(), item_links, actor), data.page()
    if data.dry_run:
        result = await job_bulk.count_to_replay(wanted, actor=actor)
    else:
        once = idempotency.once(BulkResult)
        result = await job_bulk.replay(page, wanted, actor=actor, code=data.code, once=once)
    return BulkView.of(result, page, dry_run=data.dry_run)


async def _within(wanted: JobFilter, item_links: ItemLinks, actor: Actor) -> JobFilter:
    item = await item_links.sought(wanted.work_item_id, actor)
    return structs.replace(wanted, work_item_id=item)


ROUTES = (cancel_jobs, retry_jobs, list_dead_jobs, replay_dead_jobs)

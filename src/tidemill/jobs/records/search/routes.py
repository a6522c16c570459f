"""HTTP of searches."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit, instant_of
from tidemill.jobs.contract import JobState
from tidemill.jobs.permissions import READ_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.schemas import JobPage, JobView
from tidemill.jobs.records.search.models import JobFilter
from tidemill.jobs.records.search.service import SearchService

InState = Annotated[
    JobState | None, QueryParameter(name="state", description="Only jobs in this state.")
]
Path = Annotated[
    str | None,
    QueryParameter(
        name="path",
        description="Only jobs of this script or function; `*` at its end stands for anything.",
    ),
]
Who = Annotated[
    str | None, QueryParameter(name="actor", description="Only jobs that this one started.")
]
Since = Annotated[
    datetime | None, QueryParameter(name="since", description="Made at this instant or later.")
]
Until = Annotated[datetime | None, QueryParameter(name="until", description="Made before it.")]


@get("/jobs", READ_JOBS)
async def list_jobs(  # noqa: PLR0913 - each filter is a parameter of the query
    *,
    actor: Actor,
    job_search: SearchService,
    item_links: ItemLinks,
    in_state: InState = None,
    tag: str | None = None,
    script_path: str | None = None,
    path: Path = None,
    label: str | None = None,
    who: Who = None,
    work_item_id: str | None = None,
    parent_id: str | None = None,
    root_id: str | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> JobPage:
    """List jobs, waiting, running and finished, the latest first."""
    wanted = JobFilter(
        state=in_state,
        tag=tag,
        script_path=script_path,
        path=path,
        label=label,
        actor_id=who,
        work_item_id=await item_links.sought(work_item_id, actor),
        parent_id=parent_id,
        root_id=root_id,
        since=instant_of("since", since),
        until=instant_of("until", until),
    )
    page = page_request(limit, cursor, wanted.digest)
    found = await job_search.list(page, wanted, actor=actor)
    shown = await item_links.all_shown(found.items, actor)
    return JobPage(items=[JobView.listed(job) for job in shown], next_cursor=found.next_cursor)


ROUTES = (list_jobs,)

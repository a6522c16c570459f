"""What one can ask of all jobs."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import InvalidCursor, Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.models import Job, is_uuid7
from tidemill.jobs.queueing.queue.sight import Sight
from tidemill.jobs.records.search.models import NEWEST, JobFilter
from tidemill.jobs.records.search.repository import SearchRepository


class SearchService:
    """Use cases of searches."""

    def __init__(self, jobs: Database, folders: FolderService | None = None) -> None:
        self._database = jobs
        self._sight = Sight(folders)
        self._search = SearchRepository()

    async def list(self, page: PageRequest, wanted: JobFilter, *, actor: Actor) -> Page[Job]:
        """Return jobs, the latest first, without code and result. Raises `InvalidJobField`.

        A page leaves out those that the actor may not see, so that it may have fewer than asked.
        """
        wanted = wanted.checked()
        before = before_of(page)

        def use_case(tx: Tx) -> list[Job]:
            return self._search.page(tx, wanted, before=before, limit=page.limit_plus_one)

        jobs = await self._database.read(actor.tenant_id, use_case)
        found = page_of(jobs, page, lambda job: (job.id,))
        seen = [job for job in found.items if await self._sight.sees(job, actor)]
        return Page(items=seen, next_cursor=found.next_cursor)


def before_of(page: PageRequest) -> str:
    """Return the id before which the page begins; raises `InvalidCursor`."""
    after = after_text(page)
    before = NEWEST if after is None else after
    if not is_uuid7(before):
        raise InvalidCursor
    return before

"""What one can do with rows."""

from __future__ import annotations

import asyncio

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.jobs.errors import RowsNotFound
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.rows.files import Row, RowFiles


class RowService:
    """Use cases of rows."""

    def __init__(self, files: RowFiles, jobs: JobService) -> None:
        self._files = files
        self._jobs = jobs

    async def page(self, reference: str, page: PageRequest, *, actor: Actor) -> Page[Row]:
        """Return rows of a job's query in their order; raises `RowsNotFound`."""
        job = await self._jobs.get(reference, actor=actor)
        name = f"{job.id}.{job.epoch}.jsonl"
        offset = after_number(page) or 0
        rows = await asyncio.to_thread(
            self._files.read, job.tenant_id, name, offset, page.limit_plus_one
        )
        if rows is None:
            raise RowsNotFound(job.public_id)
        return page_of(rows, page, lambda row: (row.next_offset,))

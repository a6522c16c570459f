"""Leaves the work items of jobs out where somebody sees the job, and not the item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.jobs.contract import WorkItemLinks
from tidemill.jobs.queueing.queue.models import Job

_NONE: Final = "none"
"""The id of no work item: a filter by it finds nothing."""


class ItemLinks:
    """Asks whoever keeps work items; where nobody does, there is nothing to hide."""

    def __init__(self, links: Callable[[], WorkItemLinks | None]) -> None:
        self._late_links = links

    async def shown(self, job: Job, actor: Actor) -> Job:
        """Return `job` as `actor` may see it."""
        [shown] = await self.all_shown([job], actor)
        return shown

    async def all_shown(self, jobs: Sequence[Job], actor: Actor) -> list[Job]:
        """Return `jobs` as `actor` may see them."""
        items = {job.work_item_id for job in jobs if job.work_item_id is not None}
        hidden = await self._hidden(items, actor)
        return [
            structs.replace(job, work_item_id=None) if job.work_item_id in hidden else job
            for job in jobs
        ]

    async def sought(self, work_item_id: str | None, actor: Actor) -> str | None:
        """Return by what to look for the jobs of an item: nothing has one that is hidden."""
        if work_item_id is None or not await self._hidden({work_item_id}, actor):
            return work_item_id
        return _NONE

    async def _hidden(self, items: set[str], actor: Actor) -> frozenset[str]:
        links = self._late_links()
        return await links.hidden(actor, items) if links is not None and items else frozenset()

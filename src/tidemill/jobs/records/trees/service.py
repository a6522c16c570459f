"""What one can do with trees of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import InvalidCursor, Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.queueing.queue.models import Job, is_uuid7
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.sight import Reach
from tidemill.jobs.queueing.specs.repository import SpecRepository
from tidemill.jobs.records.trees.models import Tree, below, nodes_per_look_max
from tidemill.jobs.records.trees.repository import TreeRepository

cancelled_per_commit_max: Final = 200
rounds_max: Final = 5
"""How often it is looked for jobs that were started while others were cancelled."""


class TreeService:
    """Use cases of trees."""

    def __init__(self, jobs: Database, queue: JobService) -> None:
        self._database = jobs
        self._queue = queue
        self._jobs = JobRepository()
        self._trees = TreeRepository()
        self._specs = SpecRepository()

    async def page(
        self, reference: str, page: PageRequest, *, actor: Actor
    ) -> tuple[Tree, str | None]:
        """Return a part of the tree in which a job hangs, and the cursor of the next one.

        Raises `JobNotFound`. The root is missing once it has left the history; jobs of folders that
        the actor may not read are left out.
        """
        job = await self._queue.get(reference, actor=actor)
        root_id = job.root_id or job.id
        after = after_text(page) or ""
        if after and not is_uuid7(after):
            raise InvalidCursor

        reach = await self._queue.sight.reach(actor.tenant_id)

        def use_case(tx: Tx) -> tuple[Tree, Page[Job]]:
            jobs = self._trees.page(tx, root_id, after=after, limit=page.limit_plus_one)
            part = page_of(jobs, page, lambda one: (one.id,))
            root = self._jobs.find(tx, root_id)
            # They need a look at the whole tree, which who reads on has had.
            states = None if after else self._states(tx, root_id, reach, actor)
            return Tree(root=root, jobs=part.items, states=states), part

        tree, part = await self._database.read(actor.tenant_id, use_case)
        seen = [one for one in tree.jobs if await self._queue.sees(one, actor)]
        root = tree.root
        if root is not None and not await self._queue.sees(root, actor):
            root = None
        return structs.replace(tree, root=root, jobs=seen), part.next_cursor

    async def cancel(self, reference: str, *, actor: Actor) -> tuple[Job, int]:
        """Cancel a job and what hangs below it; return the job, and how many others ended.

        What is started meanwhile is cancelled too, as far as a few rounds find it. Jobs of folders
        in which the actor may run nothing go on.
        """
        job = await self._queue.cancel_job(reference, actor=actor)
        root_id, inside, cancelled, ended = job.root_id or job.id, {job.id}, set[str](), 0
        for _ in range(rounds_max):
            before = len(cancelled)
            async for live in self._below(root_id, inside, actor):
                new = [id_ for id_ in live if id_ not in cancelled]
                for start in range(0, len(new), cancelled_per_commit_max):
                    portion = new[start : start + cancelled_per_commit_max]
                    ended += await self._cancel(portion, actor)
                cancelled.update(new)
            if len(cancelled) == before:
                break
        return job, ended

    async def _below(
        self, root_id: str, inside: set[str], actor: Actor
    ) -> AsyncIterator[list[str]]:
        """Yield the live jobs below those of `inside`, which grows, as a tree is read in parts.

        Jobs are made after what they hang below, so that one pass finds them; where clocks differ
        the next pass does.
        """
        after = ""
        while True:
            nodes = await self._database.read(
                actor.tenant_id,
                partial(self._trees.nodes, root_id=root_id, after=after, limit=nodes_per_look_max),
            )
            found = below(inside, nodes)
            inside.update(node.id for node in found)
            yield [node.id for node in found if node.live]
            if len(nodes) < nodes_per_look_max:
                return
            after = nodes[-1].id

    def _states(self, tx: Tx, root_id: str, reach: Reach, actor: Actor) -> dict[str, int]:
        rows = self._trees.states(tx, root_id)
        specs = self._specs.all(tx, {spec_id for _, spec_id, _ in rows})
        counts: dict[str, int] = {}
        for state, spec_id, number in rows:
            if reach.sees(specs[spec_id], actor):
                counts[state] = counts.get(state, 0) + number
        return counts

    async def _cancel(self, ids: list[str], actor: Actor) -> int:
        """Cancel those of some live jobs that the actor may steer; return how many."""
        jobs = await self._database.read(
            actor.tenant_id, lambda tx: [self._jobs.find(tx, id_) for id_ in ids]
        )
        own = [
            job.id for job in jobs if job is not None and await self._queue.sight.steers(job, actor)
        ]
        await self._database.write(
            actor.tenant_id, lambda tx: self._queue.cancel_in(tx, own, actor)
        )
        return len(own)

"""Where new jobs hang in the tree of those that started them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.ids import TenantId
from tidemill.jobs.errors import JobNotFound
from tidemill.jobs.queueing.queue.models import Job

parents_kept_max: Final = 10_000


class Lineage(Struct, frozen=True):
    """A job's place in a tree: the ids made here of the one above it, and of the first."""

    parent_id: str
    root_id: str


class Lineages:
    """Finds the place of new jobs; what it has found never changes, so it is remembered."""

    def __init__(self, find: Callable[[str, Actor], Awaitable[Job]]) -> None:
        self._find = find
        self._known: dict[tuple[TenantId, str, str], Lineage] = {}

    async def of(self, parent_id: str | None, actor: Actor) -> Lineage | None:
        """Return the place below `parent_id`, or else below the job that acts.

        Raises `JobNotFound` when there is no such parent.
        """
        reference = parent_id or (actor.id if actor.kind is ActorKind.JOB else None)
        if reference is None:
            return None
        # Not everybody of a tenant sees every job.
        key = (actor.tenant_id, actor.user_id or actor.id, reference)
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            parent = await self._find(reference, actor)
        except JobNotFound:
            if parent_id is None:
                return None
            raise JobNotFound(parent_id, param="parent_id") from None
        if len(self._known) >= parents_kept_max:
            self._known.clear()
        self._known[key] = found = Lineage(parent.id, parent.root_id or parent.id)
        return found

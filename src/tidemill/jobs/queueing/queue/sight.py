"""Which jobs one may see or steer: one's own, and those of folders that one may read or run."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.ids import TenantId
from tidemill.jobs.code.functions.models import FUNCTION
from tidemill.jobs.folders.models import OPEN, Grants, Level, allows, place_of
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.models import Job, path_of, starter, starter_of
from tidemill.jobs.queueing.specs.models import Spec


class Reach(Struct, frozen=True):
    """Which jobs of a tenant somebody may see or steer, by grants that were read before; no I/O.

    Where there are no folders, that is every job.
    """

    grants: Grants | None = None

    def sees(self, spec: Spec, actor: Actor) -> bool:
        """Return whether `actor` may know of jobs of this specification."""
        return self._allows(spec, Level.READ, actor)

    def steers(self, spec: Spec, actor: Actor) -> bool:
        """Return whether `actor` may end jobs of this specification."""
        return self._allows(spec, Level.RUN, actor)

    def _allows(self, spec: Spec, level: Level, actor: Actor) -> bool:
        path = path_of(spec.script_path, spec.content if spec.language == FUNCTION else None)
        if self.grants is None or path is None:
            return True
        place = place_of(path)
        own = actor.user_id is not None and starter(spec.actor).user_id == actor.user_id
        return own or allows(place, self.grants, actor, level)


EVERYTHING: Final = Reach()


class Sight:
    """Asks the folders of what jobs run; where there are none, everything is seen."""

    def __init__(self, folders: FolderService | None) -> None:
        self._folders = folders

    async def sees(self, job: Job, actor: Actor) -> bool:
        """Return whether `actor` may see what this job was given, printed and returned."""
        return await self._may(job, Level.READ, actor)

    async def steers(self, job: Job, actor: Actor) -> bool:
        """Return whether `actor` may cancel this job, or change its time."""
        return await self._may(job, Level.RUN, actor)

    async def check_steers(self, job: Job, actor: Actor) -> None:
        """Raise `FolderDenied` unless `actor` may cancel this job, or change its time."""
        path = path_of(job.script_path, job.function)
        if self._folders is not None and path is not None and not await self.steers(job, actor):
            await self._folders.require(path, Level.RUN, actor=actor)

    async def reach(self, tenant_id: TenantId) -> Reach:
        """Return what decides within a transaction who may see or steer jobs of a tenant."""
        if self._folders is None:
            return EVERYTHING
        return Reach(await self._folders.grants(tenant_id))

    async def _may(self, job: Job, level: Level, actor: Actor) -> bool:
        path = path_of(job.script_path, job.function)
        if self._folders is None or path is None or place_of(path) == OPEN:
            return True
        if actor.user_id is not None and starter_of(job).user_id == actor.user_id:
            return True
        return await self._folders.may(path, level, actor=actor)

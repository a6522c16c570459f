"""What owners of a project can do with its guest links."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.board.access_facts import ProjectMemberRemoved, ProjectMemberSet
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import owns, require
from tidemill.board.projects.repository import ProjectRepository
from tidemill.core.actor import Actor, system
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.module import Reaction
from tidemill.core.pages import Page, PageRequest
from tidemill.core.ports import Database, Once, Tx
from tidemill.identity import GuestLink, GuestLinks, NewGuestLink


class GuestLinkUseCases:
    """Use cases of guest links; the links themselves are credentials, which identity keeps."""

    def __init__(self, tenants: Database, links: Callable[[], GuestLinks | None]) -> None:
        self._tenants = WalledDatabase(tenants)
        self._late_links = links
        self._projects = ProjectRepository()

    async def create(
        self,
        project: str,
        name: str,
        *,
        expires_in_days: int,
        actor: Actor,
        once: Once[NewGuestLink] | None = None,
    ) -> NewGuestLink:
        """Make a link; its secret is in the answer and nowhere else.

        Raises `ProjectNotFound` and `ProjectRoleNeeded`.
        """
        project_id = await self._owned(project, actor)
        return await self._links.create(
            project_id, name, expires_in_days=expires_in_days, actor=actor, once=once
        )

    async def list(self, project: str, page: PageRequest, *, actor: Actor) -> Page[GuestLink]:
        """Return the links of a project; raises `ProjectNotFound` and `ProjectRoleNeeded`."""
        project_id = await self._owned(project, actor)
        return await self._links.list(project_id, page, actor=actor)

    async def revoke(self, project: str, link_id: str, *, actor: Actor) -> None:
        """End a link; raises `ProjectNotFound`, `ProjectRoleNeeded` and `GuestLinkNotFound`."""
        project_id = await self._owned(project, actor)
        await self._links.revoke(project_id, link_id, actor=actor)

    @property
    def _links(self) -> GuestLinks:
        links = self._late_links()
        if links is None:
            raise RuntimeError("No module keeps guest links.")
        return links

    async def _owned(self, reference: str, actor: Actor) -> ProjectId:
        def use_case(tx: Tx) -> ProjectId:
            project = self._projects.find(tx, reference)
            if project is None or project.deleted_at is not None:
                raise ProjectNotFound(reference)
            require(tx, project.id, ProjectRole.OWNER, by=actor)
            return project.id

        return await self._tenants.read(actor, use_case)


def ownership_reaction(tenants: Database, links: Callable[[], GuestLinks | None]) -> Reaction:
    """Return the follower that ends the links of who owns a project no more.

    Links lie in another store than roles: what a crash leaves undone is done when it goes on.
    """

    async def react(recorded: RecordedFact) -> None:
        removed = recorded.type == ProjectMemberRemoved.__name__
        fact = decode_fact(recorded, ProjectMemberRemoved if removed else ProjectMemberSet)
        project_id, user_id = fact.project_id, fact.member_id
        known = links()
        if known is None:
            return
        # As it is now: whoever owns the project again keeps what was made since.
        if not await tenants.read(recorded.tenant_id, lambda tx: owns(tx, project_id, user_id)):
            by = system("board", recorded.tenant_id)
            await known.revoke_of(project_id, user_id, actor=by)

    return Reaction(
        name="board.guest_links", facts=(ProjectMemberSet, ProjectMemberRemoved), react=react
    )

"""What one can do with members of projects."""

from __future__ import annotations

from typing import Final

from tidemill.board.access_errors import ProjectMemberNotFound, ProjectMemberUnknown
from tidemill.board.access_facts import ProjectMemberRemoved, ProjectMemberSet
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import (
    Access,
    ProjectRole,
    ProjectVisibility,
    project_role,
)
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.service import require
from tidemill.board.project_members.models import ProjectMember, RoleSource
from tidemill.board.project_members.repository import ProjectMemberRepository
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.core.actor import Actor, Role
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.keysets import after_text
from tidemill.core.module import Projection
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.identity import MemberRemoved

ME: Final = "me"


class ProjectMemberService:
    """Use cases of members of projects; a project is named by its id or key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._members = ProjectMemberRepository()
        self._access = AccessRepository()

    async def list(self, project: str, page: PageRequest, *, actor: Actor) -> Page[ProjectMember]:
        """Return who was made a member of a project; raises `ProjectNotFound`."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[ProjectMember]:
            project_id = self._living(tx, project).id
            return self._members.page(tx, project_id, after=after, limit=page.limit_plus_one)

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda member: (member.id,))

    async def get(self, project: str, user_id: str, *, actor: Actor) -> ProjectMember:
        """Return what somebody, or `me`, may do in a project, by whatever role.

        Raises `ProjectNotFound` and `ProjectMemberNotFound`.
        """
        wanted = _meant(user_id, actor)

        def use_case(tx: Tx) -> ProjectMember:
            found = self._living(tx, project)
            person = self._members.person(tx, wanted)
            if person is None:
                raise ProjectMemberNotFound(user_id)
            name, avatar, tenant_role = person
            if wanted == actor.user_id:
                tenant_role = actor.role  # What counts for this request.
            given = self._members.role(tx, found.id, wanted)
            access = Access(ProjectVisibility(found.visibility), given)
            role = project_role(None if tenant_role is None else Role(tenant_role), access)
            if role is None:
                raise ProjectMemberNotFound(user_id)
            source = RoleSource.PROJECT if role is given else RoleSource.TENANT
            return ProjectMember(wanted, name, avatar, role, source)

        return await self._tenants.read(actor, use_case)

    async def put(
        self, project: str, user_id: str, role: ProjectRole, *, actor: Actor
    ) -> ProjectMember:
        """Give an active member of the tenant a role in a project.

        Raises `ProjectNotFound`, `ProjectMemberUnknown` and `ProjectRoleNeeded`.
        """
        wanted = _meant(user_id, actor)

        def use_case(tx: Tx) -> ProjectMember:
            project_id = self._living(tx, project, lock=True).id
            self._access.lock(tx, project_id)
            require(tx, project_id, ProjectRole.OWNER, by=actor)
            person = self._members.person(tx, wanted)
            if person is None:
                raise ProjectMemberUnknown(user_id)
            old = self._members.role(tx, project_id, wanted)
            if old is not role:
                # Told first: what counts is the role before, also where it is one's own.
                _tell(tx, project_id, wanted, (old, role), by=actor)
                self._access.put(tx, project_id, wanted, role, by=actor.user_id or actor.id)
            return ProjectMember(wanted, person[0], person[1], role)

        return await self._tenants.write(actor, use_case)

    async def remove(self, project: str, user_id: str, *, actor: Actor) -> None:
        """Take somebody's role in a project; anybody may leave who gains nothing by it.

        Raises `ProjectNotFound`, `ProjectMemberNotFound` and `ProjectRoleNeeded`.
        """
        wanted = _meant(user_id, actor)

        def use_case(tx: Tx) -> None:
            found = self._living(tx, project, lock=True)
            project_id = found.id
            self._access.lock(tx, project_id)
            old = self._members.role(tx, project_id, wanted)
            if old is None:
                raise ProjectMemberNotFound(user_id)
            left = project_role(actor.role, Access(ProjectVisibility(found.visibility), None))
            gains = left is not None and left.rank > old.rank
            if gains or wanted != actor.user_id:
                require(tx, project_id, ProjectRole.OWNER, by=actor)
            # Told first: who leaves is an owner no more behind it.
            _tell(tx, project_id, wanted, (old, None), by=actor)
            self._members.remove(tx, project_id, wanted)

        await self._tenants.write(actor, use_case)

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project


def members_projection() -> Projection:
    """Return the follower that takes the roles of those who left the tenant."""
    members = ProjectMemberRepository()

    def apply(tx: Tx, recorded: RecordedFact) -> None:
        # Whoever is invited again begins anew, and keeps what came since.
        left = decode_fact(recorded, MemberRemoved)
        members.remove_person(tx, left.user_id, recorded.at)

    return Projection(name="board.project_members", facts=(MemberRemoved,), apply=apply)


def _meant(user_id: str, actor: Actor) -> str:
    return (actor.user_id or "") if user_id == ME else user_id.lower()


def _tell(
    tx: Tx,
    project_id: ProjectId,
    user_id: str,
    roles: tuple[ProjectRole | None, ProjectRole | None],
    *,
    by: Actor,
) -> None:
    old, new = roles
    fact = (
        ProjectMemberRemoved(project_id=project_id, member_id=user_id, user_id=by.user_id)
        if new is None
        else ProjectMemberSet(
            project_id=project_id, member_id=user_id, role=new, user_id=by.user_id
        )
    )
    tx.record(fact, by=by)
    tx.audit(
        "board.project_members.remove" if new is None else "board.project_members.set",
        by=by,
        resource=f"project:{project_id}",
        before=None if old is None else {"user_id": user_id, "role": old},
        after=None if new is None else {"user_id": user_id, "role": new},
    )

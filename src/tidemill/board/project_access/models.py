"""The rule of who may do what in a project."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor, Role


class ProjectRole(StrEnum):
    """What somebody may do in a project; each role includes those below it."""

    OWNER = "owner"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """Return 0 for the weakest role, rising."""
        return _RANKS[self]


_RANKS: Final = {
    ProjectRole.VIEWER: 0,
    ProjectRole.COMMENTER: 1,
    ProjectRole.EDITOR: 2,
    ProjectRole.OWNER: 3,
}


# Whoever owns a project says what its workflow asks for.
_WORTH: Final = {
    ProjectRole.OWNER: Role.OWNER,
    ProjectRole.EDITOR: Role.MEMBER,
    ProjectRole.COMMENTER: Role.VIEWER,
    ProjectRole.VIEWER: Role.VIEWER,
}


class ProjectVisibility(StrEnum):
    """Who may see a project that they are no member of: everybody in the tenant, or nobody."""

    TENANT = "tenant"
    PRIVATE = "private"


class Access(Struct, frozen=True):
    """Who may see a project, and what somebody was made in it, as a read selects it."""

    visibility: ProjectVisibility
    member_role: ProjectRole | None


def project_role(tenant_role: Role | None, access: Access) -> ProjectRole | None:
    """Return what a member of the tenant may do in a project, None for nothing at all.

    Owners and admins of the tenant are owners of every project, so that none is lost with the
    people who made it. For others what they were made in the project counts, be it more or less
    than their role in the tenant; that one counts where they were made nothing, unless the
    project is private.
    """
    if tenant_role is None:
        return None
    if tenant_role.rank >= Role.ADMIN.rank:
        return ProjectRole.OWNER
    if access.member_role is not None:
        return access.member_role
    if access.visibility is ProjectVisibility.PRIVATE:
        return None
    return ProjectRole.EDITOR if tenant_role is Role.MEMBER else ProjectRole.VIEWER


def known_as(tenant_role: Role | None, access: Access) -> Role | None:
    """Return the role of the tenant that is worth what somebody may do in a project.

    It is the own one where that person was made nothing there.
    """
    if access.member_role is None or (tenant_role and tenant_role.rank >= Role.ADMIN.rank):
        return tenant_role
    return _WORTH[access.member_role]


class Reader(Struct, frozen=True):
    """Somebody to whom projects may be invisible: a member, or a guest of one project."""

    user_id: str
    project_id: str | None = None

    @property
    def is_guest(self) -> bool:
        """Return whether all but one project are invisible."""
        return self.project_id is not None

    @property
    def known(self) -> dict[str, str | None]:
        """Return what statements behind walls are told of the reader."""
        return {"reader_id": self.user_id, "reader_project_id": self.project_id}


def reader_of(actor: Actor) -> Reader | None:
    """Return whose view of the projects counts when `actor` reads, None when it sees them all."""
    if actor.role is not None and actor.role.rank >= Role.ADMIN.rank:
        return None
    return Reader(actor.user_id or "", actor.project_id)

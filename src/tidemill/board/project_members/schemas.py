"""How members of projects look on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_members.models import ProjectMember, RoleSource
from tidemill.http import Body, PageView, View


class SetProjectMember(Body, frozen=True, kw_only=True):
    """What somebody may do in a project."""

    role: ProjectRole


class ProjectMemberView(View, frozen=True, kw_only=True):
    """Somebody with a role in a project; `source` says whether it comes from the tenant's."""

    id: str
    name: str
    avatar: str | None
    role: ProjectRole
    source: RoleSource

    @classmethod
    def of(cls, member: ProjectMember) -> Self:
        """Return the view of `member`."""
        return cls(
            id=member.id,
            name=member.name,
            avatar=member.avatar,
            role=member.role,
            source=member.source,
        )


class ProjectMemberPage(PageView, frozen=True, kw_only=True):
    """A part of those who were made members of a project, by their ids."""

    items: list[ProjectMemberView]

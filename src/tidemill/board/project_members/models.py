"""Members of a project."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.board.project_access.models import ProjectRole


class RoleSource(StrEnum):
    """Why somebody has a role: made a member of the project, or by the role in the tenant."""

    PROJECT = "project"
    TENANT = "tenant"


class ProjectMember(Struct, frozen=True):
    """Somebody with a role in a project."""

    id: str
    name: str
    avatar: str | None
    role: ProjectRole
    source: RoleSource = RoleSource.PROJECT

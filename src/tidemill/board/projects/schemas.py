"""How projects look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.project_access.models import ProjectVisibility
from tidemill.board.projects.models import Project, ProjectStatus
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, PageView, View


class CreateProject(Body, frozen=True, kw_only=True):
    """A new project; its key begins the numbers of its items (`TM` gives `TM-1`)."""

    key: Annotated[
        str,
        Meta(description="1 to 10 upper-case letters or digits, a letter first.", examples=["TM"]),
    ]
    name: Annotated[str, Meta(min_length=1, examples=["Tidemill"])]
    description: str | None = None
    visibility: ProjectVisibility = ProjectVisibility.TENANT


class ChangeProject(Body, frozen=True, kw_only=True):
    """What shall change; a field that is left out stays as it is."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: ProjectStatus | UnsetType | None = UNSET
    time_zone: (
        Annotated[
            str | None,
            Meta(description="Where its days end, by IANA name.", examples=["Europe/Berlin"]),
        ]
        | UnsetType
    ) = UNSET
    visibility: ProjectVisibility | UnsetType | None = UNSET
    expected_version: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET


class ProjectView(View, frozen=True, kw_only=True):
    """A project; instants are whole seconds since 1970."""

    id: str
    key: str
    name: str
    description: str | None
    status: ProjectStatus
    time_zone: str
    visibility: ProjectVisibility
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str

    @classmethod
    def of(cls, project: Project) -> Self:
        """Return the view of `project`."""
        return cls(
            id=project.id,
            key=project.key,
            name=project.name,
            description=project.description,
            status=project.status,
            time_zone=project.time_zone,
            visibility=ProjectVisibility(project.visibility),
            version=project.version,
            created_at=project.created_at // MICROSECONDS_PER_SECOND,
            created_by=project.created_by,
            updated_at=project.updated_at // MICROSECONDS_PER_SECOND,
            updated_by=project.updated_by,
        )


class ProjectPage(PageView, frozen=True, kw_only=True):
    """A part of the list of projects, by key."""

    items: list[ProjectView]

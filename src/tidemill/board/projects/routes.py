"""HTTP of projects."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET

from tidemill.board.permissions import (
    CREATE_PROJECTS,
    DELETE_PROJECTS,
    READ_PROJECTS,
    WRITE_PROJECTS,
)
from tidemill.board.projects.models import Project, ProjectChanges, ProjectStatus
from tidemill.board.projects.schemas import (
    ChangeProject,
    CreateProject,
    ProjectPage,
    ProjectView,
)
from tidemill.board.projects.service import ProjectService
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit


@post("/projects", CREATE_PROJECTS)
async def create_project(
    data: CreateProject,
    actor: Actor,
    idempotency: Idempotency,
    projects: ProjectService,
    request: Request[Any, Any, Any],
) -> Tagged[ProjectView]:
    """Make a project."""
    project = await projects.create(
        (data.key, data.name, data.description),
        visibility=data.visibility,
        actor=actor,
        once=idempotency.once(Project),
    )
    return _answer(project, request)


@get("/projects", READ_PROJECTS, opt=FOR_GUESTS)
async def list_projects(
    actor: Actor,
    projects: ProjectService,
    status: ProjectStatus | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> ProjectPage:
    """List projects by key."""
    page = page_request(limit, cursor, f"projects:{status or 'all'}")
    found = await projects.list(page, status=status, actor=actor)
    return ProjectPage(
        items=[ProjectView.of(project) for project in found.items], next_cursor=found.next_cursor
    )


@get("/projects/{project_id:str}", READ_PROJECTS, opt=FOR_GUESTS)
async def get_project(
    project_id: str, actor: Actor, projects: ProjectService, request: Request[Any, Any, Any]
) -> Tagged[ProjectView]:
    """Read a project by its id or key."""
    return _answer(await projects.get(project_id, actor=actor), request)


@patch("/projects/{project_id:str}", WRITE_PROJECTS)
async def change_project(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    data: ChangeProject,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    projects: ProjectService,
    request: Request[Any, Any, Any],
) -> Tagged[ProjectView]:
    """Change a project: its name, whether it is archived, who sees it."""
    project = await projects.change(
        project_id,
        ProjectChanges(
            name=data.name,
            description=data.description,
            status=data.status,
            time_zone=data.time_zone,
            visibility=data.visibility,
        ),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(Project),
    )
    return _answer(project, request)


@delete("/projects/{project_id:str}", DELETE_PROJECTS)
async def delete_project(
    project_id: str, actor: Actor, expected_version: int | None, projects: ProjectService
) -> None:
    """Delete a project; its items are hidden with it until it is restored."""
    await projects.delete(project_id, Expected(if_match=expected_version), actor=actor)


@post("/projects/{project_id:str}/restorations", DELETE_PROJECTS, status_code=200)
async def restore_project(
    project_id: str, actor: Actor, projects: ProjectService, request: Request[Any, Any, Any]
) -> Tagged[ProjectView]:
    """Bring a deleted project back."""
    return _answer(await projects.restore(project_id, actor=actor), request)


def _answer(project: Project, request: Request[Any, Any, Any]) -> Tagged[ProjectView]:
    return single(ProjectView.of(project), version=project.version, request=request)


ROUTES = (
    create_project,
    list_projects,
    get_project,
    change_project,
    delete_project,
    restore_project,
)

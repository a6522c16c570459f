"""HTTP of members of projects."""

from __future__ import annotations

from tidemill.board.permissions import READ_PROJECTS, WRITE_PROJECT_MEMBERS
from tidemill.board.project_members.schemas import (
    ProjectMemberPage,
    ProjectMemberView,
    SetProjectMember,
)
from tidemill.board.project_members.service import ProjectMemberService
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import delete, get, put


@get("/projects/{project_id:str}/members", READ_PROJECTS)
async def list_project_members(
    project_id: str, actor: Actor, page: PageRequest, project_members: ProjectMemberService
) -> ProjectMemberPage:
    """List who was made a member of a project."""
    found = await project_members.list(project_id, page, actor=actor)
    return ProjectMemberPage(
        items=[ProjectMemberView.of(member) for member in found.items],
        next_cursor=found.next_cursor,
    )


@get("/projects/{project_id:str}/members/{user_id:str}", READ_PROJECTS)
async def get_project_member(
    project_id: str, user_id: str, actor: Actor, project_members: ProjectMemberService
) -> ProjectMemberView:
    """Read what somebody, or `me`, may do in a project, by whatever role."""
    return ProjectMemberView.of(await project_members.get(project_id, user_id, actor=actor))


@put("/projects/{project_id:str}/members/{user_id:str}", WRITE_PROJECT_MEMBERS)
async def set_project_member(
    project_id: str,
    user_id: str,
    data: SetProjectMember,
    actor: Actor,
    project_members: ProjectMemberService,
) -> ProjectMemberView:
    """Give somebody a role in a project, be it more or less than by the role in the tenant."""
    member = await project_members.put(project_id, user_id, data.role, actor=actor)
    return ProjectMemberView.of(member)


@delete("/projects/{project_id:str}/members/{user_id:str}", WRITE_PROJECT_MEMBERS)
async def remove_project_member(
    project_id: str, user_id: str, actor: Actor, project_members: ProjectMemberService
) -> None:
    """Take somebody's role in a project; `me` leaves it."""
    await project_members.remove(project_id, user_id, actor=actor)


ROUTES = (list_project_members, get_project_member, set_project_member, remove_project_member)

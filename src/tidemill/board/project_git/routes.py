"""HTTP of the repositories of projects."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.permissions import WRITE_PROJECT_GIT
from tidemill.board.project_git.models import GitBinding
from tidemill.board.project_git.schemas import AskGitSync, ProjectGitView, PutProjectGit
from tidemill.board.project_git.service import GitBindingService
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, delete, get, post, put, single


@get("/projects/{project_id:str}/git", WRITE_PROJECT_GIT)
async def get_project_git(
    project_id: str,
    actor: Actor,
    project_git: GitBindingService,
    request: Request[Any, Any, Any],
) -> Tagged[ProjectGitView]:
    """Read which repository a project is kept in, and what its last sync did."""
    return _answer(await project_git.get(project_id, actor=actor), request)


@put("/projects/{project_id:str}/git", WRITE_PROJECT_GIT)
async def put_project_git(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    data: PutProjectGit,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    project_git: GitBindingService,
    request: Request[Any, Any, Any],
) -> Tagged[ProjectGitView]:
    """Bind a project to a repository of git."""
    binding = await project_git.put(
        project_id,
        data.wanted(),
        if_match=expected_version,
        actor=actor,
        once=idempotency.once(GitBinding),
    )
    return _answer(binding, request)


@delete("/projects/{project_id:str}/git", WRITE_PROJECT_GIT)
async def delete_project_git(
    project_id: str,
    actor: Actor,
    expected_version: int | None,
    project_git: GitBindingService,
) -> None:
    """Bind a project to no repository; the files in it stay."""
    await project_git.remove(project_id, expected_version, actor=actor)


@post("/projects/{project_id:str}/git/sync", WRITE_PROJECT_GIT, status_code=202)
async def sync_project_git(
    *,
    project_id: str,
    data: AskGitSync,
    actor: Actor,
    idempotency: Idempotency,
    project_git: GitBindingService,
) -> ProjectGitView:
    """Ask for a sync of a project and its repository; reading the repository tells how it went."""
    asked = await project_git.ask(
        project_id,
        data.request(actor.user_id or actor.id),
        actor=actor,
        once=idempotency.once(GitBinding),
    )
    return ProjectGitView.of(asked)


def _answer(binding: GitBinding, request: Request[Any, Any, Any]) -> Tagged[ProjectGitView]:
    return single(ProjectGitView.of(binding), version=binding.version, request=request)


ROUTES: Final = (get_project_git, put_project_git, delete_project_git, sync_project_git)

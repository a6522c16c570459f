"""HTTP of dependencies."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.board.dependencies.models import (
    Dependency,
    DependencyFilter,
    DependencyType,
    NewDependency,
)
from tidemill.board.dependencies.schemas import (
    CreatedDependencies,
    CreateDependencies,
    CreateDependency,
    DependencyPage,
    DependencyView,
)
from tidemill.board.dependencies.service import DependencyService
from tidemill.board.permissions import READ_WORK_ITEMS, WRITE_WORK_ITEMS
from tidemill.board.projects.service import ProjectService
from tidemill.core.actor import Actor
from tidemill.core.pages import Page, page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, composed, delete, get, post
from tidemill.http.parameters import Cursor, Limit

# A dependency never changes, but what it shows of its items does.
_VERSION = 1


@post("/dependencies", WRITE_WORK_ITEMS)
async def create_dependency(
    data: CreateDependency,
    actor: Actor,
    idempotency: Idempotency,
    dependencies: DependencyService,
    request: Request[Any, Any, Any],
) -> Tagged[DependencyView]:
    """Join two work items of any projects: one blocks, relates to or duplicates the other."""
    made = await dependencies.create(_new(data), actor=actor, once=idempotency.once(Dependency))
    return composed(DependencyView.of(made), version=_VERSION, request=request)


@post("/dependencies/batch", WRITE_WORK_ITEMS)
async def create_dependencies(
    data: CreateDependencies,
    actor: Actor,
    idempotency: Idempotency,
    dependencies: DependencyService,
) -> CreatedDependencies:
    """Join many work items, all or none; the order of the list does not matter."""
    made = await dependencies.create_all(
        [_new(each) for each in data.dependencies],
        actor=actor,
        once=idempotency.once(list[Dependency]),
    )
    return CreatedDependencies(items=[DependencyView.of(each) for each in made])


@get("/dependencies", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_dependencies(  # noqa: PLR0913 - each parameter is one of the query
    *,
    actor: Actor,
    dependencies: DependencyService,
    projects: ProjectService,
    project_id: str | None = None,
    dependency_type: DependencyType | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> DependencyPage:
    """List dependencies, newest first; of a project those with an item in it on either side."""
    wanted = DependencyFilter(
        project_id=(await projects.get(project_id, actor=actor)).id if project_id else None,
        dependency_type=dependency_type,
    )
    digest = f"dependencies:{wanted.project_id or ''}:{dependency_type or ''}"
    found = await dependencies.list(wanted, page_request(limit, cursor, digest), actor=actor)
    return _page(found)


@get("/dependencies/{dependency_id:str}", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def get_dependency(
    dependency_id: str,
    actor: Actor,
    dependencies: DependencyService,
    request: Request[Any, Any, Any],
) -> Tagged[DependencyView]:
    """Read a dependency."""
    found = await dependencies.get(dependency_id, actor=actor)
    return composed(DependencyView.of(found), version=_VERSION, request=request)


@delete("/dependencies/{dependency_id:str}", WRITE_WORK_ITEMS)
async def delete_dependency(
    dependency_id: str, actor: Actor, dependencies: DependencyService
) -> None:
    """Part two work items."""
    await dependencies.delete(dependency_id, actor=actor)


@get("/work-items/{item_id:str}/dependencies", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_item_dependencies(
    item_id: str,
    actor: Actor,
    dependencies: DependencyService,
    dependency_type: DependencyType | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> DependencyPage:
    """List what a work item blocks, what blocks it, and what else it is joined to, newest first."""
    page = page_request(limit, cursor, f"item-dependencies:{item_id}:{dependency_type or ''}")
    return _page(await dependencies.of_item(item_id, dependency_type, page, actor=actor))


def _new(data: CreateDependency) -> NewDependency:
    return NewDependency(
        dependency_type=data.dependency_type,
        blocking=data.blocking_item_id,
        blocked=data.blocked_item_id,
        close=data.close,
    )


def _page(found: Page[Dependency]) -> DependencyPage:
    return DependencyPage(
        items=[DependencyView.of(each) for each in found.items], next_cursor=found.next_cursor
    )


ROUTES = (
    create_dependency,
    create_dependencies,
    list_dependencies,
    get_dependency,
    delete_dependency,
    list_item_dependencies,
)

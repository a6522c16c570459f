"""What projects promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import (
    NullNotAllowed,
    ProjectChanged,
    ProjectKeyTaken,
    ProjectNotFound,
)
from tidemill.board.projects.models import Project, ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.pages import InvalidCursor, PageRequest, page_request
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def test_projects_integration_create_and_get_by_id_and_key(world: BoardWorld) -> None:
    project = await world.a_project("TM2")

    for reference in (project.id, "TM2", "tm2"):
        assert await world.projects.get(reference, actor=world.actor) == project
    assert (project.status, project.version) == (ProjectStatus.ACTIVE, 1)
    assert await world.fact_types() == ["ProjectCreated"]
    assert await world.audit_actions() == ["board.projects.create"]


@pytest.mark.each_database(reason="transactions race")
async def test_projects_integration_racing_creations_of_one_key_make_one(
    world: BoardWorld,
) -> None:
    results = await asyncio.gather(*(world.a_project() for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(result, Project) for result in results) == 1
    assert sum(isinstance(result, ProjectKeyTaken) for result in results) == 7


async def test_projects_integration_tenants_share_no_keys(world: BoardWorld) -> None:
    await world.a_project()
    stranger = world.an_actor(await a_tenant(world.stores))

    with pytest.raises(ProjectNotFound):
        await world.projects.get("TM", actor=stranger)
    other = await world.projects.create(("TM", "Another", None), actor=stranger)

    assert (await world.projects.get("TM", actor=world.actor)).id != other.id


async def test_projects_integration_change_checks_the_expected_version(
    world: BoardWorld,
) -> None:
    await world.a_project()
    named = ProjectChanges(name="Named")
    changed = await world.projects.change("TM", named, Expected(if_match=1), actor=world.actor)

    assert (changed.name, changed.version) == ("Named", 2)
    with pytest.raises(VersionChanged):
        await world.projects.change(
            "TM", ProjectChanges(name="x"), Expected(if_match=1), actor=world.actor
        )
    with pytest.raises(ProjectChanged):
        await world.projects.change(
            "TM", ProjectChanges(name="x"), Expected(version=1), actor=world.actor
        )
    with pytest.raises(NullNotAllowed):
        await world.projects.change("TM", ProjectChanges(name=None), ANY_VERSION, actor=world.actor)


async def test_projects_integration_archive_delete_and_restore(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("TM", archived, ANY_VERSION, actor=world.actor)
    await world.projects.delete("TM", actor=world.actor)

    with pytest.raises(ProjectNotFound):
        await world.projects.get("TM", actor=world.actor)
    with pytest.raises(ProjectKeyTaken):
        await world.a_project()
    restored = await world.projects.restore("TM", actor=world.actor)

    assert restored.status is ProjectStatus.ARCHIVED
    assert (await world.reads.get(item.key, actor=world.actor)).id == item.id
    assert [kind for kind in await world.fact_types() if kind.startswith("Project")] == [
        "ProjectCreated",
        "ProjectUpdated",
        "ProjectDeleted",
        "ProjectRestored",
    ]


async def test_projects_integration_list_by_key_and_status(world: BoardWorld) -> None:
    for key in ("C", "A", "B"):
        await world.a_project(key)
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("B", archived, ANY_VERSION, actor=world.actor)

    first = await world.projects.list(page_request(2, None), status=None, actor=world.actor)
    rest = await world.projects.list(
        page_request(2, first.next_cursor), status=None, actor=world.actor
    )
    active = await world.projects.list(
        PageRequest(), status=ProjectStatus.ACTIVE, actor=world.actor
    )

    assert [project.key for project in first.items + rest.items] == ["A", "B", "C"]
    assert [project.key for project in active.items] == ["A", "C"]
    with pytest.raises(InvalidCursor):
        await world.projects.list(PageRequest(after=(1, 2)), status=None, actor=world.actor)

"""What members of projects promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import asyncpg
import pytest
from msgspec import structs

from tests.fixtures.beside import beside, until_somebody_waits
from tests.fixtures.board import BoardWorld
from tidemill.board.access_errors import (
    ProjectMemberNotFound,
    ProjectMemberUnknown,
    ProjectRoleNeeded,
)
from tidemill.board.dependencies.models import DependencyType, NewDependency
from tidemill.board.dependency_errors import DependencyCycle
from tidemill.board.errors import ProjectKeyTaken, ProjectNotFound, WorkItemNotFound
from tidemill.board.project_access.models import ProjectRole, ProjectVisibility
from tidemill.board.project_members.models import RoleSource
from tidemill.board.project_members.service import ProjectMemberService, members_projection
from tidemill.board.projects.models import ProjectChanges
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import NewWorkItem, WorkItemChanges
from tidemill.core.actor import Actor, ActorKind
from tidemill.core.authorization import PermissionDenied
from tidemill.core.ids import UserId
from tidemill.core.pages import PageRequest
from tidemill.core.ports import StoreKind, Tx
from tidemill.events.followers.drain import Followers
from tidemill.events.followers.service import Cursors
from tidemill.events.stream.service import Stream
from tidemill.identity import MemberRemoved

pytestmark = pytest.mark.anyio

_SHUT_OUT: Final = {
    "removed": "DELETE FROM project_members WHERE user_id = $1",
    "lowered": "UPDATE project_members SET role = 'commenter' WHERE user_id = $1",
    "closed": "UPDATE projects SET visibility = 'private' WHERE id = $1",
}


async def test_members_integration_are_set_told_and_removed(world: BoardWorld) -> None:
    await world.a_project()
    members, ada = ProjectMemberService(world.stores.tenants), await world.a_person("Ada")

    for role in (ProjectRole.VIEWER, ProjectRole.VIEWER, ProjectRole.EDITOR):
        made = await members.put("TM", ada, role, actor=world.actor)
    listed = await members.list("TM", PageRequest(), actor=world.actor)
    await members.remove("TM", ada, actor=world.actor)

    assert (made.name, made.role, made.source) == ("Ada", ProjectRole.EDITOR, RoleSource.PROJECT)
    assert [one.id for one in listed.items] == [ada]
    types = [type_ for type_ in await world.fact_types() if "Member" in type_]
    assert types == ["ProjectMemberSet", "ProjectMemberSet", "ProjectMemberRemoved"]
    actions = [action for action in await world.audit_actions() if "project_members" in action]
    assert actions == ["board.project_members.set"] * 2 + ["board.project_members.remove"]
    with pytest.raises(ProjectMemberNotFound):
        await members.remove("TM", ada, actor=world.actor)
    with pytest.raises(ProjectMemberUnknown):
        await members.put("TM", "nobody", ProjectRole.VIEWER, actor=world.actor)


async def test_members_integration_lose_their_roles_with_the_tenant(world: BoardWorld) -> None:
    await world.a_project()
    members, ada = ProjectMemberService(world.stores.tenants), await world.a_person("Ada")
    await members.put("TM", ada, ProjectRole.OWNER, actor=world.actor)

    def leave(tx: Tx) -> None:
        tx.record(MemberRemoved(user_id=UserId(ada)), by=world.actor)

    await world.stores.tenants.write(world.tenant_id, leave)
    tenants = world.stores.tenants
    followers = Followers(Stream(tenants), Cursors(tenants), holder="test")
    followers.add([members_projection()], [])
    while (await followers.drain(StoreKind.TENANT, world.tenant_id)).more:
        pass

    rows = await world.rows(
        "SELECT user_id FROM project_members WHERE tenant_id = :tenant_id AND user_id = :ada",
        ada=ada,
    )
    assert rows == []


@pytest.mark.parametrize("kind", [ActorKind.JOB, ActorKind.AGENT, ActorKind.API_TOKEN])
async def test_members_integration_are_let_in_by_no_job_that_opens_a_project(
    world: BoardWorld, kind: ActorKind
) -> None:
    await world.a_project()
    closed = ProjectChanges(visibility=ProjectVisibility.PRIVATE)
    await world.projects.change("TM", closed, ANY_VERSION, actor=world.actor)
    narrow = structs.replace(world.actor, kind=kind, scopes=frozenset({"board:write"}))
    changes = ProjectChanges(visibility=ProjectVisibility.TENANT)

    with pytest.raises(PermissionDenied):
        await world.projects.change("TM", changes, ANY_VERSION, actor=narrow)
    renamed = await world.projects.change(
        "TM", ProjectChanges(name="Renamed"), ANY_VERSION, actor=narrow
    )

    assert (renamed.name, renamed.visibility) == ("Renamed", ProjectVisibility.PRIVATE)


async def test_walls_integration_keep_order_over_what_is_unseen(world: BoardWorld) -> None:
    """Cycles are found over hidden items, which are not named; and a key is taken once."""
    await world.a_project("TM")
    await world.a_project("HIDE")
    first, hidden, last = (
        await world.an_item(),
        await world.an_item(project="HIDE"),
        await world.an_item(),
    )
    await _blocks(world, first.key, hidden.key)
    await _blocks(world, hidden.key, last.key)
    changes = ProjectChanges(visibility=ProjectVisibility.PRIVATE)
    await world.projects.change("HIDE", changes, ANY_VERSION, actor=world.actor)
    eve = await _member(world, "Eve")

    with pytest.raises(DependencyCycle) as cycle:
        await _blocks(world, last.key, first.key, actor=eve)
    with pytest.raises(WorkItemNotFound):
        await world.reads.get(hidden.key, actor=eve)
    with pytest.raises(ProjectNotFound):
        await world.items.create(
            NewWorkItem(item_type="task", title="Mine", project="HIDE"), actor=eve
        )
    with pytest.raises(ProjectKeyTaken):
        await world.projects.create(("HIDE", "Mine", None), actor=eve)
    named = await world.projects.create((None, "Hide", None), actor=eve)

    assert "HIDE" not in str(cycle.value)
    assert "an item that you may not see" in str(cycle.value)
    assert named.key == "HIDE2"


@pytest.mark.each_database(reason="transactions race for the same rows")
@pytest.mark.parametrize("left", ["removed", "lowered", "closed"])
async def test_members_integration_do_nothing_more_once_they_may_not(
    world: BoardWorld, left: str
) -> None:
    """Who is shut out in another transaction hears it, also where that has yet to commit."""
    if "sqlite" in type(world.stores.tenants).__module__:
        pytest.skip("SQLite has one writer")
    project = await world.a_project()
    item = await world.an_item()
    eve = await _member(world, "Eve")
    if left != "closed":
        changes = ProjectChanges(visibility=ProjectVisibility.PRIVATE)
        await world.projects.change("TM", changes, ANY_VERSION, actor=world.actor)
        members = ProjectMemberService(world.stores.tenants)
        await members.put("TM", eve.user_id or "", ProjectRole.EDITOR, actor=world.actor)
    change = WorkItemChanges(title="By Eve")
    async with beside(await _schema(world)) as other:
        async with other.transaction():
            await other.execute("SELECT 1 FROM projects WHERE id = $1 FOR UPDATE", project.id)
            await other.execute(_SHUT_OUT[left], *([project.id] if left == "closed" else [eve.id]))
            task = asyncio.ensure_future(world.items.change(item.key, change, actor=eve))
            await _until_it_waits(task, other)
        with pytest.raises((ProjectNotFound, ProjectRoleNeeded)):
            await task

    assert (await world.reads.get(item.key, actor=world.actor)).title == item.title


@pytest.mark.each_database(reason="transactions race for the same rows")
async def test_members_integration_are_removed_behind_what_they_are_doing(
    world: BoardWorld,
) -> None:
    if "sqlite" in type(world.stores.tenants).__module__:
        pytest.skip("SQLite has one writer")
    project = await world.a_project()
    eve = await _member(world, "Eve")
    members = ProjectMemberService(world.stores.tenants)
    await members.put("TM", eve.id, ProjectRole.EDITOR, actor=world.actor)
    async with beside(await _schema(world)) as other:
        async with other.transaction():
            # As a deed of hers holds it.
            await other.execute("SELECT 1 FROM projects WHERE id = $1 FOR KEY SHARE", project.id)
            task = asyncio.ensure_future(members.remove("TM", eve.id, actor=world.actor))
            await _until_it_waits(task, other)
        await task


async def _schema(world: BoardWorld) -> str:
    [row] = await world.rows("SELECT current_schema() WHERE :tenant_id <> ''")
    return str(row[0])


async def _until_it_waits(task: asyncio.Future[Any], other: asyncpg.Connection) -> None:
    waits = asyncio.ensure_future(until_somebody_waits(other))
    await asyncio.wait({task, waits}, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    assert not task.done(), "it went on beside what is not committed yet"


async def _blocks(
    world: BoardWorld, first: str, second: str, *, actor: Actor | None = None
) -> None:
    new = NewDependency(dependency_type=DependencyType.BLOCKS, blocking=first, blocked=second)
    await world.dependencies.create(new, actor=actor or world.actor)


async def _member(world: BoardWorld, name: str) -> Actor:
    user_id = UserId(await world.a_person(name))
    return structs.replace(world.actor, id=user_id, user_id=user_id)

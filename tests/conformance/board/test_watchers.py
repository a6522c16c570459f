"""What watchers promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import WorkItemNotFound
from tidemill.board.watcher_errors import WatcherNotMember, WatchForOthers
from tidemill.board.work_items.models import WorkItem, WorkItemChanges
from tidemill.core.actor import Actor, Role
from tidemill.core.ids import UserId
from tidemill.core.pages import PageRequest, page_request

pytestmark = pytest.mark.anyio


async def _a_member(world: BoardWorld, name: str, role: Role = Role.MEMBER) -> Actor:
    user_id = await world.a_person(name)
    return structs.replace(world.actor, id=user_id, user_id=UserId(user_id), role=role)


async def _watchers(world: BoardWorld, item: WorkItem) -> set[str]:
    found = await world.watchers.list(item.key, PageRequest(), actor=world.actor)
    return {watcher.name for watcher in found.items}


async def test_watchers_integration_creator_and_assignee_hear_of_an_item_by_themselves(
    world: BoardWorld,
) -> None:
    await world.a_project()
    ada, bo = await _a_member(world, "Ada"), await _a_member(world, "Bo")
    world.actor = ada
    item = await world.an_item(assignee_id=bo.id)

    assert await _watchers(world, item) == {"Ada", "Bo"}
    await world.items.change(item.key, WorkItemChanges(assignee_id=None), actor=ada)
    assert await _watchers(world, item) == {"Ada"}
    await world.watchers.mute(item.key, "me", actor=ada)
    assert await _watchers(world, item) == set()


async def test_watchers_integration_asking_twice_tells_once(world: BoardWorld) -> None:
    await world.a_project()
    ada = await _a_member(world, "Ada", Role.VIEWER)
    item = await world.an_item()

    for _ in range(2):
        watcher = await world.watchers.watch(item.key, "me", actor=ada)
    assert (watcher.id, watcher.name) == (ada.id, "Ada")
    assert await _watchers(world, item) == {"Ada"}
    for _ in range(2):
        await world.watchers.mute(item.key, ada.id, actor=world.actor)

    assert await _watchers(world, item) == set()
    assert (await world.fact_types())[-2:] == ["WatcherAdded", "WatcherRemoved"]
    assert (await world.reads.get(item.key, actor=ada)).version == 1


async def test_watchers_integration_refuse_strangers_and_viewers_for_others(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    ada = await _a_member(world, "Ada", Role.VIEWER)
    gone = await world.a_person("Gone", state="removed")
    stranger = world.an_actor(await a_tenant(world.stores))

    for nobody in (gone, "no such\0one", "me"):
        with pytest.raises(WatcherNotMember):
            await world.watchers.watch(item.key, nobody, actor=world.actor)
    with pytest.raises(WatchForOthers):
        await world.watchers.watch(item.key, gone, actor=ada)
    with pytest.raises(WorkItemNotFound):
        await world.watchers.watch(item.id, "me", actor=stranger)
    with pytest.raises(WorkItemNotFound):
        await world.watchers.list(item.id, PageRequest(), actor=stranger)


async def test_watchers_integration_list_pages(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    for n in range(5):
        member = await _a_member(world, f"Member {n}")
        await world.watchers.watch(item.key, "me", actor=member)

    first = await world.watchers.list(item.key, page_request(3, None), actor=world.actor)
    rest = await world.watchers.list(
        item.key, page_request(3, first.next_cursor), actor=world.actor
    )

    assert len({watcher.id for watcher in first.items + rest.items}) == 5
    assert rest.next_cursor is None

"""What dependencies promise, on both databases (R012, R035)."""

from __future__ import annotations

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.dependencies.models import DependencyType, NewDependency
from tidemill.board.dependencies.service import DependencyService
from tidemill.board.dependency_errors import (
    CloseNeedsDuplicate,
    DependencyExists,
    DependencyNotFound,
    SelfDependency,
    TooManyDependencies,
)
from tidemill.board.errors import ProjectIsArchived, WorkItemNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION
from tidemill.core.pages import PageRequest, page_request

pytestmark = pytest.mark.anyio


async def items(world: BoardWorld, count: int, item_type: str = "task") -> None:
    """Make the project `TM` with `TM-1`, `TM-2` and so on."""
    await world.a_project()
    for _ in range(count):
        await world.an_item(item_type)


async def test_dependencies_integration_join_items_of_any_projects(world: BoardWorld) -> None:
    await items(world, 1)
    await world.a_project("SEA")
    other = await world.an_item(project="SEA")

    made = await world.a_link("tm-1", other.id)

    assert made.told() == "TM-1 blocks SEA-1"
    assert await world.dependencies.get(made.id, actor=world.actor) == made
    for reference in ("TM-1", "SEA-1"):
        found = await world.dependencies.of_item(reference, None, PageRequest(), actor=world.actor)
        assert found.items == [made]
    assert (await world.audit_actions())[-1] == "board.dependencies.create"


async def test_dependencies_integration_are_told_on_both_items(world: BoardWorld) -> None:
    await items(world, 2)

    made = await world.a_link("TM-1", "TM-2")
    await world.dependencies.delete(made.id, actor=world.actor)

    for key, field, other in (("TM-1", "blocks", "TM-2"), ("TM-2", "blocked_by", "TM-1")):
        rows = (await world.reads.activity(key, PageRequest(), actor=world.actor)).items
        told = [(row.version, row.field, row.old_value, row.new_value) for row in rows]
        assert told == [(3, field, other, None), (2, field, None, other), (1, "", None, None)]
    assert (await world.fact_types())[3:] == [
        "WorkItemUpdated",
        "WorkItemUpdated",
        "DependencyCreated",
        "WorkItemBlocked",
        "WorkItemUpdated",
        "WorkItemUpdated",
        "DependencyDeleted",
        "WorkItemUnblocked",
    ]
    assert (await world.audit_actions())[-2:] == [
        "board.dependencies.create",
        "board.dependencies.delete",
    ]


async def test_dependencies_integration_refuse_what_joins_nothing(world: BoardWorld) -> None:
    await items(world, 3)
    await world.items.delete("TM-3", actor=world.actor)

    with pytest.raises(SelfDependency):
        await world.a_link("TM-1", "tm-1", "relates_to")
    with pytest.raises(CloseNeedsDuplicate):
        await world.a_link("TM-1", "TM-2", "blocks", close=True)
    for blocking, blocked, param in (
        ("TM-3", "TM-1", "blocking_item_id"),
        ("TM-1", "TM-99", "blocked_item_id"),
    ):
        with pytest.raises(WorkItemNotFound) as missing:
            await world.a_link(blocking, blocked)
        assert missing.value.param == param


async def test_dependencies_integration_join_a_pair_once_by_each_type(world: BoardWorld) -> None:
    await items(world, 2)
    for type_ in DependencyType:
        await world.a_link("TM-1", "TM-2", type_)

    for type_ in DependencyType:
        with pytest.raises(DependencyExists):
            await world.a_link("TM-1", "TM-2", type_)
    with pytest.raises(DependencyExists) as turned:
        await world.a_link("TM-2", "TM-1", "relates_to")

    assert "TM-1 relates_to TM-2" in turned.value.message


async def test_dependencies_integration_can_be_made_again_after_they_were_removed(
    world: BoardWorld,
) -> None:
    await items(world, 2)
    first = await world.a_link("TM-1", "TM-2")
    await world.dependencies.delete(first.id, actor=world.actor)

    again = await world.a_link("TM-1", "TM-2")

    assert again.id != first.id
    with pytest.raises(DependencyNotFound):
        await world.dependencies.delete(first.id, actor=world.actor)


async def test_dependencies_integration_have_an_end(world: BoardWorld) -> None:
    await items(world, 4)
    few = DependencyService(world.stores.tenants, BoardLimits(dependencies_per_item_max=2))

    def link(blocking: str) -> NewDependency:
        return NewDependency(
            dependency_type=DependencyType.BLOCKS, blocking=blocking, blocked="TM-4"
        )

    await few.create_all([link("TM-1"), link("TM-2")], actor=world.actor)
    with pytest.raises(TooManyDependencies) as full:
        await few.create(link("TM-3"), actor=world.actor)

    assert "TM-4" in full.value.message


async def test_dependencies_integration_a_list_is_made_in_any_order(world: BoardWorld) -> None:
    await items(world, 5)
    pairs = [("TM-4", "TM-5"), ("TM-1", "TM-2"), ("TM-3", "TM-4"), ("TM-2", "TM-3")]
    news = [
        NewDependency(dependency_type=DependencyType.BLOCKS, blocking=a, blocked=b)
        for a, b in pairs
    ]

    made = await world.dependencies.create_all(news, actor=world.actor)

    assert [(each.blocking.key, each.blocked.key) for each in made] == pairs
    rows = (await world.reads.activity("TM-2", PageRequest(), actor=world.actor)).items
    assert [(row.version, row.field, row.new_value) for row in rows[:2]] == [
        (2, "blocked_by", "TM-1"),
        (2, "blocks", "TM-3"),
    ]


async def test_dependencies_integration_lists_go_page_by_page_and_by_filter(
    world: BoardWorld,
) -> None:
    await items(world, 5)
    made = [await world.a_link("TM-1", f"TM-{n}") for n in range(2, 6)]
    await world.a_link("TM-2", "TM-3", "relates_to")

    page = page_request(3, None, "")
    first = await world.dependencies.of_item("TM-1", DependencyType.BLOCKS, page, actor=world.actor)
    page = page_request(3, first.next_cursor, "")
    rest = await world.dependencies.of_item("TM-1", DependencyType.BLOCKS, page, actor=world.actor)

    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next_cursor is None


async def test_dependencies_integration_of_archived_projects_end_and_do_not_begin(
    world: BoardWorld,
) -> None:
    await items(world, 2)
    await world.a_project("SEA")
    await world.an_item(project="SEA")
    crossing = await world.a_link("SEA-1", "TM-1")
    inside = await world.a_link("TM-1", "TM-2")
    await world.projects.change(
        "TM", ProjectChanges(status=ProjectStatus.ARCHIVED), ANY_VERSION, actor=world.actor
    )

    with pytest.raises(ProjectIsArchived):
        await world.a_link("SEA-1", "TM-2")
    with pytest.raises(ProjectIsArchived):
        await world.dependencies.delete(inside.id, actor=world.actor)
    await world.dependencies.delete(crossing.id, actor=world.actor)

    versions = [
        (await world.reads.get(key, actor=world.actor)).version for key in ("SEA-1", "TM-1")
    ]
    assert versions == [3, 3]


async def test_dependencies_integration_stay_in_their_tenant(world: BoardWorld) -> None:
    await items(world, 2)
    made = await world.a_link("TM-1", "TM-2")
    stranger = world.an_actor(await a_tenant(world.stores))

    with pytest.raises(DependencyNotFound):
        await world.dependencies.get(made.id, actor=stranger)
    with pytest.raises(DependencyNotFound):
        await world.dependencies.delete(made.id, actor=stranger)
    with pytest.raises(WorkItemNotFound):
        await world.dependencies.create(
            NewDependency(
                dependency_type=DependencyType.BLOCKS,
                blocking=made.blocking.id,
                blocked=made.blocked.id,
            ),
            actor=stranger,
        )

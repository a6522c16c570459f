"""No order of items goes round in a circle, on both databases (R012; pain 15)."""

from __future__ import annotations

import asyncio
import random
from graphlib import TopologicalSorter

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.dependencies.models import Dependency, DependencyType, NewDependency
from tidemill.board.dependency_errors import (
    DependencyCycle,
    DependencyCycles,
)
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio


async def items(world: BoardWorld, count: int, item_type: str = "task") -> None:
    """Make the project `TM` with `TM-1`, `TM-2` and so on."""
    await world.a_project()
    for _ in range(count):
        await world.an_item(item_type)


async def test_dependencies_integration_tell_the_whole_way_round(world: BoardWorld) -> None:
    """Pain 15, beads #4035: blocks and parents are walked together."""
    await world.a_project()
    await world.an_item("story")
    await world.an_item("story")
    await world.an_item("task", parent="TM-2")
    await world.a_link("TM-1", "TM-2")

    with pytest.raises(DependencyCycle) as refused:
        await world.a_link("TM-3", "TM-1")

    assert "TM-3 blocks TM-1, which blocks TM-2, which contains TM-3." in refused.value.message
    assert refused.value.param == "blocked_item_id"
    left = await world.dependencies.of_item("TM-3", None, PageRequest(), actor=world.actor)
    assert left.items == []


@pytest.mark.parametrize(
    ("blocking", "blocked", "way"),
    [
        ("TM-1", "TM-2", "TM-1 blocks TM-2, which is part of TM-1."),
        ("TM-2", "TM-1", "TM-2 blocks TM-1, which contains TM-2."),
    ],
)
async def test_dependencies_integration_refuse_that_parent_and_child_wait_for_each_other(
    world: BoardWorld, blocking: str, blocked: str, way: str
) -> None:
    """Beads #4035: a child's finish is a part of its parent's finish."""
    await world.a_project()
    await world.an_item("story")
    await world.an_item("task", parent="TM-1")

    with pytest.raises(DependencyCycle) as refused:
        await world.a_link(blocking, blocked)

    assert way in refused.value.message


async def test_dependencies_integration_let_siblings_block_each_other_one_way(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item("story")
    await world.an_item("task", parent="TM-1")
    await world.an_item("task", parent="TM-1")

    await world.a_link("TM-2", "TM-3")
    with pytest.raises(DependencyCycle):
        await world.a_link("TM-3", "TM-2")


async def test_dependencies_integration_only_blocks_counts_for_cycles(world: BoardWorld) -> None:
    """Pain 15, beads #661: what relates to or duplicates says nothing of the order."""
    await items(world, 3)
    await world.a_link("TM-1", "TM-2")
    await world.a_link("TM-2", "TM-3", "relates_to")
    await world.a_link("TM-3", "TM-1", "duplicates")

    await world.a_link("TM-3", "TM-1", "relates_to")
    await world.a_link("TM-2", "TM-3")
    item = await world.reads.get("TM-1", actor=world.actor)

    assert not item.is_blocked


async def test_dependencies_integration_refuse_a_parent_that_closes_a_cycle(
    world: BoardWorld,
) -> None:
    """Beads #4035, by the other door: a parent that is set or changed."""
    await world.a_project()
    for _ in range(2):
        await world.an_item("story")
    await world.an_item("task", parent="TM-1")
    await world.a_link("TM-2", "TM-3")

    with pytest.raises(DependencyCycle) as refused:
        await world.items.change("TM-3", WorkItemChanges(parent="TM-2"), actor=world.actor)
    await world.a_link("TM-1", "TM-2", "relates_to")
    with pytest.raises(DependencyCycle):
        await world.items.change(
            "TM-3", WorkItemChanges(parent="TM-2", before=None), actor=world.actor
        )

    assert refused.value.param == "parent_id"
    assert "TM-3 is part of TM-2, which blocks TM-3." in refused.value.message
    unmoved = await world.reads.get("TM-3", actor=world.actor)
    first = await world.reads.get("TM-1", actor=world.actor)
    assert unmoved.parent_id == first.id


async def test_dependencies_integration_a_parent_may_change_when_only_the_old_one_was_in_the_way(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for _ in range(2):
        await world.an_item("story")
    await world.an_item("task", parent="TM-1")
    # Below TM-1, TM-3 would finish before TM-2 starts: below TM-2 it starts after TM-1.
    await world.a_link("TM-1", "TM-2")

    moved = await world.items.change("TM-3", WorkItemChanges(parent="TM-2"), actor=world.actor)

    second = await world.reads.get("TM-2", actor=world.actor)
    assert moved.parent_id == second.id


async def test_dependencies_integration_an_import_closes_no_cycle(world: BoardWorld) -> None:
    """What an import puts below parents is new: nothing blocks it, and it blocks nothing."""
    await world.a_project()
    await world.import_text("id,title,type,parent\n1,Sail,story,\n2,Row,story,\n3,Oar,task,1\n")
    await world.a_link("TM-1", "TM-2")
    again = "id,title,type,parent\n3,Oar,task,2\n4,Mast,task,1\n5,Seat,task,2\n"

    report = await world.import_text(again)

    assert (report.rows_created, report.rows_already_imported) == (2, 1)
    with pytest.raises(DependencyCycle):
        await world.a_link("TM-5", "TM-4")
    await world.a_link("TM-4", "TM-5")


async def test_dependencies_integration_deleted_items_come_back_without_a_cycle(
    world: BoardWorld,
) -> None:
    await items(world, 3)
    await world.a_link("TM-1", "TM-2")
    await world.a_link("TM-2", "TM-3")
    await world.items.delete("TM-2", actor=world.actor)

    with pytest.raises(DependencyCycle) as refused:
        await world.a_link("TM-3", "TM-1")

    assert "TM-1, which blocks TM-2 (deleted), which blocks TM-3" in refused.value.message


@pytest.mark.each_database(reason="transactions race")
async def test_dependencies_integration_racing_links_close_no_cycle(world: BoardWorld) -> None:
    """Pain 15: 200 links at random, from several connections at once, can be put in order."""
    await world.a_project()
    chance = random.Random(7)  # noqa: S311 - the same links in each run
    types = "title,type,id,parent\n"
    rows = "".join(
        f"S{n},story,s{n},\nA{n},task,a{n},s{n}\nB{n},task,b{n},s{n}\n" for n in range(8)
    )
    await world.import_text(types + rows)
    pairs = [chance.sample(range(1, 25), 2) for _ in range(200)]

    several = asyncio.Semaphore(5)

    async def link(pair: list[int]) -> Dependency:
        async with several:
            return await world.a_link(*(f"TM-{number}" for number in pair))

    results = await asyncio.gather(*map(link, pairs), return_exceptions=True)

    made = [result for result in results if isinstance(result, Dependency)]
    refused = [result for result in results if not isinstance(result, Dependency)]
    kinds = {type(result).__name__ for result in refused}
    assert kinds <= {"DependencyCycle", "DependencyExists"}, refused
    assert len(made) >= 10
    assert any(isinstance(result, DependencyCycle) for result in refused)
    order = TopologicalSorter[tuple[str, str]]()
    for each in made:
        order.add((each.blocked.id, "start"), (each.blocking.id, "finish"))
    for item, parent in await world.rows(
        "SELECT id, parent_id FROM work_items WHERE tenant_id = :tenant_id"
    ):
        order.add((item, "finish"), (item, "start"))
        if parent is not None:
            order.add((item, "start"), (parent, "start"))
            order.add((parent, "finish"), (item, "finish"))
    assert len([*order.static_order()]) == 48


@pytest.mark.each_database(reason="transactions race")
async def test_dependencies_integration_racing_parents_and_links_close_no_cycle(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for _ in range(2):
        await world.an_item("story")
    await world.an_item("task")
    results = await asyncio.gather(
        world.a_link("TM-2", "TM-3"),
        world.items.change("TM-3", WorkItemChanges(parent="TM-2"), actor=world.actor),
        return_exceptions=True,
    )

    assert sum(isinstance(result, DependencyCycle) for result in results) == 1


async def test_dependencies_integration_a_list_names_all_that_no_order_satisfies(
    world: BoardWorld,
) -> None:
    await items(world, 6)
    await world.a_link("TM-3", "TM-1")
    pairs = [("TM-1", "TM-2"), ("TM-4", "TM-5"), ("TM-2", "TM-3"), ("TM-6", "TM-1")]
    news = [
        NewDependency(dependency_type=DependencyType.BLOCKS, blocking=a, blocked=b)
        for a, b in pairs
    ]

    with pytest.raises(DependencyCycles) as refused:
        await world.dependencies.create_all(news, actor=world.actor)

    assert (
        "dependencies[0]: TM-1 blocks TM-2; dependencies[2]: TM-2 blocks TM-3."
        in refused.value.message
    )
    assert refused.value.param == "dependencies[0]"
    rows = await world.rows("SELECT id FROM dependencies WHERE tenant_id = :tenant_id")
    assert len(rows) == 1

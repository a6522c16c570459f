"""Kinds of work items that a tenant has of its own, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.board_settings.models import LaneField
from tidemill.board.errors import NotPlannable, WrongParent
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.imports.service import ImportOptions
from tidemill.board.item_kinds.models import ItemKind
from tidemill.board.kind_changes.models import ItemKindChanges, NewItemKind
from tidemill.board.kind_errors import (
    ChildrenDoNotFit,
    InvalidItemKind,
    ItemKindInUse,
    ItemKindIsBuiltIn,
    ItemKindIsRetired,
    ItemKindNotFound,
    ItemKindTaken,
    UnknownItemType,
)
from tidemill.board.listing.models import Selection
from tidemill.board.swim_lanes.repository import LaneRepository
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio

FEATURE = NewItemKind(key="feature", name="Feature", parents=("epic",), children=("story",))


async def make(world: BoardWorld, new: NewItemKind = FEATURE) -> ItemKind:
    return await world.kinds.create(new, actor=world.admin)


async def alter(world: BoardWorld, key: str, **changes: Any) -> ItemKind:
    return await world.kinds.change(key, ItemKindChanges(**changes), actor=world.admin)


async def to(world: BoardWorld, item: WorkItem, **changes: Any) -> WorkItem:
    return await world.items.change(item.key, WorkItemChanges(**changes), actor=world.actor)


async def facts(world: BoardWorld, kind: str) -> list[Any]:
    rows = await world.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = :kind ORDER BY seq",
        kind=kind,
    )
    return [msgspec.json.decode(row[0]) for row in rows]


async def test_item_kinds_integration_own_ones_stand_beside_the_usual_ones(
    world: BoardWorld,
) -> None:
    await world.a_project()
    made = await make(world)
    first = await world.kinds.list(PageRequest(limit=4), actor=world.actor)
    assert [kind.key for kind in first.items] == ["epic", "story", "task", "bug"]
    assert [kind.in_sprints for kind in first.items] == [False, True, True, True]
    story = await world.kinds.get("story", actor=world.actor)
    assert (story.parents, story.version) == (("epic", "feature"), 2)

    epic = await world.an_item("epic")
    feature = await world.an_item("feature", parent=epic.key)
    below = await world.an_item("story", parent=feature.key)

    assert (made.version, feature.item_type, below.parent_id) == (1, "feature", feature.id)
    with pytest.raises(WrongParent, match="A feature belongs below an epic, not below a story"):
        await world.an_item("feature", parent=below.key)
    with pytest.raises(UnknownItemType, match="epic, story, task, bug, feature"):
        await world.an_item("saga")
    with pytest.raises(ItemKindTaken):
        await make(world, NewItemKind(key="other", name="fEATURE"))
    with pytest.raises(InvalidItemKind, match="below themselves: epic, feature"):
        await alter(world, "epic", parents=("feature",))
    told = await facts(world, "ItemKindCreated")
    assert [fact["kind"]["key"] for fact in told] == ["feature"]
    assert [fact["kind"]["key"] for fact in await facts(world, "ItemKindUpdated")] == ["story"]


async def test_item_kinds_integration_rules_of_the_usual_ones_can_be_changed(
    world: BoardWorld,
) -> None:
    await world.a_project()
    epic = await world.an_item("epic")
    story = await world.an_item("story", parent=epic.key)

    named = await alter(world, "task", name="To-do", parents=("story", "epic"), top_level=False)

    assert (named.name, named.version, named.is_built_in) == ("To-do", 2, True)
    assert (await world.an_item("task", parent=epic.key)).parent_id == epic.id
    with pytest.raises(WrongParent, match="A task needs a parent: a story or an epic"):
        await world.an_item("task")
    task = await world.an_item("task", parent=story.key)
    with pytest.raises(WrongParent, match="needs a parent"):
        await to(world, task, parent=None)
    with pytest.raises(ItemKindInUse, match="hang under items of story"):
        await alter(world, "task", parents=("epic",))
    with pytest.raises(ItemKindIsBuiltIn):
        await alter(world, "task", retired=True)
    with pytest.raises(ItemKindIsBuiltIn):
        await world.kinds.delete("bug", actor=world.admin)


async def test_item_kinds_integration_an_item_changes_its_kind_where_it_hangs(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await make(world)
    epic = await world.an_item("epic")
    story = await world.an_item("story", parent=epic.key)
    task = await world.an_item("task", parent=story.key)
    lone = await world.an_item("bug", parent=epic.key)

    bug = await to(world, story, item_type="bug")

    assert (bug.item_type, bug.version, bug.parent_id) == ("bug", 2, epic.id)
    [*_, change] = (await facts(world, "WorkItemUpdated"))[-1]["changes"]
    assert change == {"field_name": "item_type", "old_value": "story", "new_value": "bug"}
    with pytest.raises(ChildrenDoNotFit, match="is a task, which cannot hang below a feature"):
        await to(world, bug, item_type="feature")
    with pytest.raises(WrongParent, match="An epic has no parent"):
        await to(world, lone, item_type="epic")
    with pytest.raises(WrongParent, match="A bug belongs below an epic"):
        await to(world, task, item_type="bug")
    with pytest.raises(UnknownItemType):
        await to(world, task, item_type="saga")
    moved = await to(world, task, item_type="bug", parent=epic.key)
    assert (moved.item_type, moved.parent_id) == ("bug", epic.id)


async def test_item_kinds_integration_sprints_take_the_kinds_that_say_so(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await make(world)
    await make(world, NewItemKind(key="spike", name="Spike", in_sprints=True))
    sprint = await world.a_sprint()
    spike = await world.an_item("spike", sprint=sprint.id)

    assert spike.sprint_id == sprint.id
    with pytest.raises(NotPlannable, match="story, task, bug, spike"):
        await world.an_item("feature", sprint=sprint.id)
    with pytest.raises(NotPlannable):
        await to(world, spike, item_type="feature")


async def test_item_kinds_integration_lists_filters_imports_and_lanes_know_own_kinds(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await make(world, NewItemKind(key="tide_gauge", name="Tide gauge", parents=("epic",)))
    data = b"Type,Title,Parent\nTide gauge,Left,Harbour\nepic,Harbour,\n"
    report = await world.imports.import_file("TM", data, ImportOptions(), actor=world.actor)
    assert report.rows_created == 2

    listed = await world.reads.list(
        WorkItemFilter(item_type="tide_gauge"), PageRequest(), actor=world.actor
    )
    words = parse('type:"tide gauge"')
    filtered = await world.listing.list(Selection(filter=words), PageRequest(), actor=world.actor)
    names = await world.stores.tenants.read(
        world.tenant_id,
        lambda tx: LaneRepository().lane_names(
            tx, LaneField.ITEM_TYPE, ["tide_gauge", "epic"], limit=5
        ),
    )

    assert [item.title for item in listed.items] == ["Left"]
    assert [item.id for item in filtered.items] == [listed.items[0].id]
    assert [name for _, name, _ in names] == ["Epic", "Tide gauge"]
    with pytest.raises(UnknownItemType, match="tide_gauge"):
        await world.reads.list(WorkItemFilter(item_type="saga"), PageRequest(), actor=world.actor)
    with pytest.raises(InvalidFilter, match="tide_gauge"):
        await world.listing.list(
            Selection(filter=parse("type:saga")), PageRequest(), actor=world.actor
        )


async def test_item_kinds_integration_a_kind_in_use_is_retired_or_its_items_move(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await make(world)
    epic = await world.an_item("epic")
    feature = await world.an_item("feature", parent=epic.key)
    hidden = await world.an_item("feature")
    await world.items.delete(hidden.key, actor=world.actor)

    with pytest.raises(ItemKindInUse, match="There are 2 items"):
        await world.kinds.delete("feature", actor=world.admin)
    await alter(world, "feature", retired=True)
    with pytest.raises(ItemKindIsRetired):
        await world.an_item("feature")
    assert (await to(world, feature, title="Still here")).version == 2
    with pytest.raises(ItemKindInUse, match="hang under items of epic"):
        await world.kinds.delete("feature", move_to="task", actor=world.admin)
    with pytest.raises(UnknownItemType):
        await world.kinds.delete("feature", move_to="saga", actor=world.admin)

    await world.kinds.delete("feature", move_to="bug", actor=world.admin)

    now = await world.reads.get(feature.key, actor=world.actor)
    assert (now.item_type, now.version, now.title) == ("bug", 3, "Still here")
    [fact] = await facts(world, "ItemKindDeleted")
    assert (fact["moved_to"], fact["items_moved"]) == ("bug", 2)
    with pytest.raises(ItemKindNotFound):
        await world.kinds.get("feature", actor=world.actor)
    assert (await world.kinds.get("story", actor=world.actor)).parents == ("epic",)
    history = await world.rows(
        "SELECT version, old_value, new_value FROM activities WHERE tenant_id = :tenant_id "
        "AND work_item_id = :id AND field = 'item_type'",
        id=feature.id,
    )
    assert [tuple(row) for row in history] == [(3, "feature", "bug")]


@pytest.mark.each_database(reason="whoever makes an item holds the row that a change waits for")
async def test_item_kinds_integration_nobody_makes_an_item_of_a_kind_that_goes(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await make(world)

    results = await asyncio.gather(
        *(world.an_item("feature") for _ in range(4)),
        world.kinds.delete("feature", actor=world.admin),
        return_exceptions=True,
    )

    made = [one for one in results if isinstance(one, WorkItem)]
    refused = [one for one in results if isinstance(one, UnknownItemType | ItemKindInUse)]
    others = [one for one in results if isinstance(one, Exception) and one not in refused]
    assert others == []
    left = await world.rows(
        "SELECT id FROM work_items WHERE tenant_id = :tenant_id AND item_type = 'feature'"
    )
    kinds = await world.rows("SELECT key FROM item_kinds WHERE tenant_id = :tenant_id")
    assert len(left) == len(made)
    assert bool(made) == ("feature" in {row[0] for row in kinds})

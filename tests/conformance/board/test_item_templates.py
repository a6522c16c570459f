"""Templates of work items, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import ProjectMissing, WrongParent
from tidemill.board.item_templates.models import (
    ItemTemplate,
    ItemTemplateChanges,
    NewItemTemplate,
    Sketch,
    TemplateUse,
)
from tidemill.board.kind_errors import UnknownItemType
from tidemill.board.label_errors import LabelNotFound
from tidemill.board.template_errors import (
    InvalidItemTemplate,
    ItemTemplateNameTaken,
    ItemTemplateNotFound,
    TemplateOfAnotherProject,
    TemplateValuesMissing,
)
from tidemill.board.work_items.models import Priority, WorkItem, WorkItemFilter
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio

RELEASE = Sketch(
    item_type="epic",
    title="{project} release {version}",
    priority=Priority.HIGH,
    labels=("tides",),
    children=(
        Sketch(
            item_type="story",
            title="Test {version}",
            points=3,
            children=(Sketch(item_type="task", title="Read the logs", estimate_seconds=60),),
        ),
        Sketch(item_type="story", title="Publish {version}", description="To **all**"),
    ),
)


async def make(world: BoardWorld, root: Sketch = RELEASE, **fields: Any) -> ItemTemplate:
    new = NewItemTemplate(**{"name": "Release", "root": root, **fields})
    return await world.templates.create(new, actor=world.actor)


async def use(world: BoardWorld, template: ItemTemplate, **said: Any) -> tuple[WorkItem, ...]:
    wanted = TemplateUse(**{"project": "TM", "values": {"version": "1.2"}, **said})
    return (await world.templates.use(template.id, wanted, actor=world.actor)).items


async def titles(world: BoardWorld) -> list[str]:
    found = await world.reads.list(WorkItemFilter(), PageRequest(), actor=world.actor)
    return sorted(item.title for item in found.items)


async def test_item_templates_integration_make_a_tree_in_one_step(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_label("tides")
    template = await make(world)

    root, first, second, leaf = await use(world, template)

    assert (root.title, root.priority, root.parent_id) == ("TM release 1.2", "high", None)
    assert [label.name for label in root.labels] == ["tides"]
    assert (first.title, first.points, first.parent_id) == ("Test 1.2", 3, root.id)
    assert (second.description, second.parent_id) == ("To **all**", root.id)
    assert (leaf.title, leaf.estimate_seconds, leaf.parent_id) == ("Read the logs", 60, first.id)
    [again, *_] = await use(world, template, title="By hand")
    assert (again.title, again.number) == ("By hand", 5)


async def test_item_templates_integration_make_all_or_nothing(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_label("tides")
    gone = await world.a_label("gone")
    broken = Sketch(item_type="task", title="Carry", labels=("gone",))
    template = await make(world, Sketch(item_type="story", title="Build", children=(broken,)))
    await world.labels.delete(gone.id, actor=world.actor)

    with pytest.raises(LabelNotFound):
        await use(world, template)
    with pytest.raises(TemplateValuesMissing, match="ask for: version"):
        await use(world, await make(world, name="Other"), values={})
    epic = await world.an_item("epic", title="Above")
    with pytest.raises(WrongParent):
        await use(world, await make(world, name="Third"), parent=epic.key)

    assert await titles(world) == ["Above"]


async def test_item_templates_integration_are_checked_named_changed_and_forgotten(
    world: BoardWorld,
) -> None:
    await world.a_project()
    other = await world.a_project("XX")
    with pytest.raises(LabelNotFound):
        await make(world, project="TM")
    await world.a_label("tides")
    template = await make(world, project="TM")

    with pytest.raises(ItemTemplateNameTaken):
        await make(world, name="RELEASE", project="TM")
    await make(world)
    with pytest.raises(UnknownItemType):
        await make(world, Sketch(item_type="saga", title="x"), name="A")
    under = Sketch(item_type="task", title="x", children=(Sketch(item_type="epic", title="y"),))
    with pytest.raises(InvalidItemTemplate, match="epic does not hang below task"):
        await make(world, under, name="A")
    many = Sketch(
        item_type="epic", title="x", children=(Sketch(item_type="story", title="y"),) * 50
    )
    with pytest.raises(InvalidItemTemplate, match="it makes 51 items"):
        await make(world, many, name="A")
    with pytest.raises(TemplateOfAnotherProject):
        await use(world, template, project="XX")
    of_other = await world.templates.list(PageRequest(), project=other.key, actor=world.actor)
    assert [one.project_id for one in of_other.items] == [None]
    root = Sketch(item_type="bug", title="{date}")
    changed = await world.templates.change(
        template.id, ItemTemplateChanges(root=root), actor=world.actor
    )
    assert changed.version == 2
    [bug] = await use(world, changed, project=None)
    assert (bug.item_type, len(bug.title)) == ("bug", 10)
    await world.templates.delete(template.id, actor=world.actor)
    with pytest.raises(ItemTemplateNotFound):
        await use(world, template)
    assert await titles(world) == [bug.title]


async def test_item_templates_integration_fill_what_a_new_item_leaves_open(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_label("tides")
    template = await make(world)

    item = await world.templates.create_item(
        template.id,
        {"project": "TM", "priority": Priority.LOW, "points": 0},
        {"version": "2"},
        actor=world.actor,
    )

    assert (item.title, item.item_type, item.priority) == ("TM release 2", "epic", "low")
    assert (item.points, len(item.labels)) == (0, 1)
    assert await titles(world) == ["TM release 2"]
    with pytest.raises(ProjectMissing):
        await world.templates.create_item(template.id, {}, {}, actor=world.actor)

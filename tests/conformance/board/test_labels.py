"""What labels promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import ProjectIsArchived
from tidemill.board.label_errors import (
    LabelChanged,
    LabelNameTaken,
    LabelNotFound,
    LabelOfAnotherProject,
    LabelsAmbiguous,
    TooManyLabels,
)
from tidemill.board.labels.models import Label, LabelChanges
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest, page_request

pytestmark = pytest.mark.anyio


def _names(item: WorkItem) -> list[str]:
    return [label.name for label in item.labels]


async def _bearers(world: BoardWorld, label: str, **fields: object) -> list[str]:
    wanted = WorkItemFilter(label=label, **fields)  # type: ignore[arg-type]
    found = await world.reads.list(wanted, PageRequest(), actor=world.actor)
    return [item.key for item in found.items]


async def test_labels_integration_items_bear_them_by_name_and_by_id(world: BoardWorld) -> None:
    project = await world.a_project()
    tides = await world.a_label("Tides")
    urgent = await world.a_label("urgent", project="TM", color="#D55E00")
    item = await world.an_item(labels=("TIDES", urgent.id))
    await world.an_item()

    assert urgent.color == "#d55e00"
    assert _names(item) == ["Tides", "urgent"]
    assert item == await world.reads.get(item.key, actor=world.actor)
    assert await _bearers(world, "tides") == [item.key]
    assert await _bearers(world, urgent.id, project_id=project.id) == [item.key]
    less = await world.items.change(
        item.key, WorkItemChanges(remove_labels=(tides.id,)), actor=world.actor
    )
    assert _names(less) == ["urgent"]
    assert await _bearers(world, "tides") == []
    activity = await world.reads.activity(item.key, PageRequest(), actor=world.actor)
    newest = activity.items[0]
    assert (newest.field, newest.old_value, newest.new_value) == (
        "labels",
        "Tides, urgent",
        "urgent",
    )
    none = await world.items.change(item.key, WorkItemChanges(labels=None), actor=world.actor)
    assert (none.labels, none.label_ids) == ((), "")


@pytest.mark.each_database(reason="transactions race")
async def test_labels_integration_racing_additions_lose_none(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    names = [f"label {n}" for n in range(10)]
    for name in names:
        await world.a_label(name)

    await asyncio.gather(
        *(
            world.items.change(item.id, WorkItemChanges(add_labels=(name,)), actor=world.actor)
            for name in names
        )
    )

    final = await world.reads.get(item.id, actor=world.actor)
    assert (_names(final), final.version) == (names, 11)
    assert await _bearers(world, "label 7") == [item.key]


async def test_labels_integration_delete_hides_and_restore_brings_back_to_items(
    world: BoardWorld,
) -> None:
    await world.a_project()
    label = await world.a_label("tides")
    await world.a_label("gate")
    item = await world.an_item(labels=("tides",))

    await world.labels.delete(label.id, actor=world.actor)
    bare = await world.reads.get(item.key, actor=world.actor)
    assert (_names(bare), bare.version) == ([], 1)
    with pytest.raises(LabelNotFound):
        await _bearers(world, "tides")
    more = await world.items.change(
        item.key, WorkItemChanges(add_labels=("gate",)), actor=world.actor
    )
    assert _names(more) == ["gate"]
    restored = await world.labels.restore(label.id, actor=world.actor)
    assert (restored.version, restored.deleted_at) == (3, None)
    assert _names(await world.reads.get(item.key, actor=world.actor)) == ["gate", "tides"]
    assert await _bearers(world, "tides") == [item.key]
    assert (await world.fact_types())[-1] == "LabelRestored"


@pytest.mark.each_database(reason="transactions race")
async def test_labels_integration_of_racing_twins_one_is_made(world: BoardWorld) -> None:
    results = await asyncio.gather(
        *(world.a_label(name) for name in ("Tides", "tides", "TIDES", "tides")),
        return_exceptions=True,
    )

    assert sum(isinstance(result, Label) for result in results) == 1
    assert sum(isinstance(result, LabelNameTaken) for result in results) == 3


@pytest.mark.each_database(reason="transactions race")
async def test_labels_integration_racing_renames_to_one_name_leave_one(
    world: BoardWorld,
) -> None:
    labels = [await world.a_label(f"label {n}") for n in range(4)]

    results = await asyncio.gather(
        *(
            world.labels.change(label.id, LabelChanges(name="one"), actor=world.actor)
            for label in labels
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(result, Label) for result in results) == 1
    assert sum(isinstance(result, LabelNameTaken) for result in results) == 3


async def test_labels_integration_a_deleted_name_can_be_used_and_then_not_restored(
    world: BoardWorld,
) -> None:
    first = await world.a_label()
    await world.labels.delete(first.id, actor=world.actor)
    await world.a_label()

    with pytest.raises(LabelNameTaken):
        await world.labels.restore(first.id, actor=world.actor)


async def test_labels_integration_change_compares_versions(world: BoardWorld) -> None:
    label = await world.a_label()
    same = await world.labels.change(label.id, LabelChanges(name="tides"), actor=world.actor)
    named = await world.labels.change(
        label.id, LabelChanges(name="Tides"), Expected(version=1), actor=world.actor
    )

    assert (same.version, named.version, named.name) == (1, 2, "Tides")
    with pytest.raises(LabelChanged):
        await world.labels.change(
            label.id, LabelChanges(name="x"), Expected(version=1), actor=world.actor
        )


async def test_labels_integration_of_one_name_the_projects_own_is_meant(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("XX")
    shared = await world.a_label("tides")
    own = await world.a_label("tides", project="TM")

    here = await world.an_item(labels=("tides",))
    there = await world.an_item(project="XX", labels=("tides",))

    assert [item.labels[0].id for item in (here, there)] == [own.id, shared.id]
    assert await _bearers(world, "tides") == [there.key, here.key]
    with pytest.raises(LabelOfAnotherProject):
        await world.an_item(project="XX", labels=(own.id,))


async def test_labels_integration_refuse_what_no_item_can_bear(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()

    for nothing in ("none", "a\0b", "\x1f", "01890000-0000-7000-8000-000000000000"):
        with pytest.raises(LabelNotFound):
            await world.an_item(labels=(nothing,))
        with pytest.raises(LabelNotFound):
            await _bearers(world, nothing)
    with pytest.raises(TooManyLabels):
        await world.an_item(labels=tuple(f"label {n}" for n in range(51)))
    both = WorkItemChanges(labels=(), add_labels=("x",))
    with pytest.raises(LabelsAmbiguous):
        await world.items.change(item.key, both, actor=world.actor)


async def test_labels_integration_list_pages_those_of_a_project(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("XX")
    for n in range(3):
        await world.a_label(f"shared {n}")
        await world.a_label(f"own {n}", project="TM")
        await world.a_label(f"other {n}", project="XX")

    first = await world.labels.list(page_request(4, None), project="TM", actor=world.actor)
    rest = await world.labels.list(
        page_request(4, first.next_cursor), project="TM", actor=world.actor
    )

    names = [label.name for label in first.items + rest.items]
    assert sorted(names) == [*(f"own {n}" for n in range(3)), *(f"shared {n}" for n in range(3))]
    assert rest.next_cursor is None


async def test_labels_integration_another_tenants_label_does_not_exist(
    world: BoardWorld,
) -> None:
    label = await world.a_label()
    stranger = world.an_actor(await a_tenant(world.stores))

    with pytest.raises(LabelNotFound):
        await world.labels.get(label.id, actor=stranger)
    with pytest.raises(LabelNotFound):
        await world.labels.change(label.id, LabelChanges(name="x"), actor=stranger)
    with pytest.raises(LabelNotFound):
        await world.labels.delete(label.id, actor=stranger)


async def test_labels_integration_of_archived_projects_stay_as_they_are(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    label = await world.a_label(project="TM")
    await world.projects.change(
        project.id,
        ProjectChanges(status=ProjectStatus.ARCHIVED),
        ANY_VERSION,
        actor=world.actor,
    )

    for refused in (
        world.a_label("sails", project="TM"),
        world.labels.change(label.id, LabelChanges(name="x"), actor=world.actor),
        world.labels.delete(label.id, actor=world.actor),
        world.job_times.put("TM", books_jobs=True, if_match=None, actor=world.actor),
    ):
        with pytest.raises(ProjectIsArchived):
            await refused
    assert await world.labels.get(label.id, actor=world.actor) == label

    await world.projects.delete(project.id, actor=world.actor)
    with pytest.raises(LabelNotFound):
        await world.labels.get(label.id, actor=world.actor)
    listed = await world.labels.list(page_request(None, None, "l"), project=None, actor=world.actor)
    assert listed.items == []

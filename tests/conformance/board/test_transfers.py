"""What it promises to take items to another project."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import (
    ProjectIsArchived,
    ProjectNotFound,
    WorkItemNotFound,
    WrongParent,
)
from tidemill.board.filters.parsing import parse
from tidemill.board.imports.service import ImportOptions
from tidemill.board.labels.models import NewLabel
from tidemill.board.listing.models import UTC, Selection
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.time_tracking.models import TimeEntryFilter
from tidemill.board.transfer_errors import ChildrenUndecided, ParentStaysBehind
from tidemill.board.transfers.models import Children, NewTransfer, Transfer
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import Sort, WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Once, Tx
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def _transfer(
    world: BoardWorld,
    key: str,
    project: str = "SEA",
    *,
    once: Once[Transfer] | None = None,
    expected: Expected = ANY_VERSION,
    **fields: object,
) -> Transfer:
    new = NewTransfer(project=project, **fields)  # type: ignore[arg-type]
    return await world.transfers.transfer(key, new, expected, actor=world.actor, once=once)


async def _keys(world: BoardWorld, text: str) -> list[str]:
    wanted = Selection(parameters=WorkItemFilter(), filter=parse(text), zone=UTC)
    found = await world.listing.list(wanted, PageRequest(), actor=world.actor)
    return [item.key for item in found.items]


async def test_transfers_integration_former_keys_name_the_item_wherever_a_key_does(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    await world.an_item(project="SEA")
    item = await world.an_item("story", title="Dredge the harbour")

    made = await _transfer(world, "tm-1")

    assert (made.item.id, made.item.key, made.item.version) == (item.id, "SEA-2", 2)
    assert [(one.old_key, one.key) for one in made.items] == [("TM-1", "SEA-2")]
    for key in ("TM-1", "SEA-2", item.id):
        assert (await world.reads.get(key, actor=world.actor)).key == "SEA-2"
    found = await world.searches.find(
        "TM-1",
        Selection(parameters=WorkItemFilter(), filter=parse(""), zone=UTC),
        limit=5,
        actor=world.actor,
    )
    assert [hit.key for _, hit in found.hits] == ["SEA-2"]
    task = await world.an_item(project="SEA", parent="TM-1")
    assert task.parent_id == item.id
    assert await _keys(world, "key:TM-1 OR parent:TM-1 sort:created") == ["SEA-2", "SEA-3"]
    await world.a_link("TM-1", "SEA-1")
    after = WorkItemChanges(after="TM-1", title="Read")
    assert (await world.items.change("SEA-1", after, actor=world.actor)).version == 3
    report = await world.imports.import_file(
        "SEA", b"title,type,parent\nBuoys,task,TM-1\n", ImportOptions(), actor=world.actor
    )
    assert [row.key for row in report.rows] == ["SEA-4"]
    # Back home it has a third number, and all three name it.
    assert (await _transfer(world, "TM-1", "TM", children=Children.LEAVE)).item.key == "TM-2"
    for key in ("TM-1", "SEA-2", "TM-2"):
        assert (await world.reads.get(key, actor=world.actor)).id == item.id
    await world.projects.delete("SEA", actor=world.actor)
    assert (await world.reads.get("SEA-2", actor=world.actor)).key == "TM-2"


async def test_transfers_integration_tells_what_stays_behind_in_one_fact_and_one_audit_line(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    sea = await world.a_project("SEA")
    await world.a_label("everywhere")
    for name, where in (("own", "TM"), ("both", "TM"), ("both", "SEA"), ("gone", "TM")):
        await world.labels.create(NewLabel(name=name, project=where), actor=world.actor)
    sprint = await world.a_sprint()
    item = await world.an_item(
        "story",
        labels=("everywhere", "own", "both", "gone"),
        sprint=sprint.id,
        external_id="JIRA-7",
    )
    await world.an_item(project="SEA", external_id="JIRA-7")
    gone = next(label for label in item.labels if label.name == "gone")
    await world.labels.delete(gone.id, actor=world.actor)
    before = len(await world.fact_types())

    made = await _transfer(world, "TM-1")

    [told] = made.items
    assert (told.labels_left, told.sprint_left) == (("own",), sprint.name)
    assert (told.external_id_left, made.item.external_id) == ("JIRA-7", None)
    assert [label.name for label in made.item.labels] == ["both", "everywhere"]
    assert made.item == await world.reads.get("SEA-2", actor=world.actor)
    assert gone.id not in made.item.label_ids
    assert await _keys(world, "project:SEA label:both") == ["SEA-2"]
    assert (await world.fact_types())[before:] == ["WorkItemTransferred"]
    assert (await world.audit_actions())[-1] == "board.work_items.transfer"
    [topics] = await world.rows(
        "SELECT topics FROM stream WHERE tenant_id = :tenant_id AND type = 'WorkItemTransferred'"
    )
    assert all(f"{one}" in topics[0] for one in (project.id, sea.id, item.id))
    activity = await world.reads.activity("SEA-2", PageRequest(), actor=world.actor)
    fields = {
        row.field: (row.old_value, row.new_value)
        for row in activity.items
        if row.action == "transferred"
    }
    assert fields["key"] == ("TM-1", "SEA-2")
    assert fields["project_id"] == (project.id, sea.id)
    assert fields["sprint_id"] == (sprint.id, None)
    scope = await world.rows(
        "SELECT kind FROM sprint_scope_events WHERE tenant_id = :tenant_id ORDER BY at, id"
    )
    assert [row[0] for row in scope] == ["add", "remove"]


async def test_transfers_integration_children_go_along_or_stay_as_it_is_said(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    await world.an_item("epic")
    await world.an_item("story", parent="TM-1")
    await world.an_item("task", parent="TM-2", title="First")
    await world.an_item("task", parent="TM-2", title="Deleted")
    await world.items.delete("TM-4", actor=world.actor)
    await world.an_item("epic", project="SEA")

    with pytest.raises(ParentStaysBehind, match="TM-1"):
        await _transfer(world, "TM-2", children=Children.TAKE)
    with pytest.raises(ChildrenUndecided):
        await _transfer(world, "TM-2", parent=None)
    with pytest.raises(WrongParent):
        await _transfer(world, "TM-2", parent="TM-1", children=Children.TAKE)
    taken = await _transfer(world, "TM-2", parent="SEA-1", children=Children.TAKE)

    assert [(one.old_key, one.key) for one in taken.items] == [("TM-2", "SEA-2"), ("TM-3", "SEA-3")]
    assert taken.parent_left == "TM-1"
    restored = await world.items.restore("TM-4", actor=world.actor)
    assert (restored.key, restored.parent_id) == ("SEA-4", taken.item.id)
    ranked = await world.reads.list(
        WorkItemFilter(project_id=taken.item.project_id, sort=Sort.RANK),
        PageRequest(),
        actor=world.actor,
    )
    assert [one.key for one in ranked.items] == ["SEA-1", "SEA-2", "SEA-3", "SEA-4"]

    left = await _transfer(world, "SEA-2", "TM", parent="TM-1", children=Children.LEAVE)

    assert (left.children_left, left.parent_left) == (("SEA-3", "SEA-4"), "SEA-1")
    child = await world.reads.get("TM-3", actor=world.actor)
    assert (child.key, child.parent_id) == ("SEA-3", None)


async def test_transfers_integration_status_is_one_of_the_new_workflow(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sea = await world.a_project("SEA")
    await world.stores.tenants.write(world.tenant_id, lambda tx: _another_workflow(tx, sea.id))
    await world.an_item()
    await world.items.change("TM-1", WorkItemChanges(status="cancelled"), actor=world.actor)

    made = await _transfer(world, "TM-1")

    assert (made.item.status, made.items[0].status_left) == ("shipped", "cancelled")
    assert (made.item.status_category, made.item.completed_at is None) == ("done", False)
    assert made.item == await world.reads.get("SEA-1", actor=world.actor)


def _another_workflow(tx: Tx, project_id: str) -> None:
    given = {"project_id": project_id, "id": tx.new_id()}
    tx.execute(
        "INSERT INTO workflows (tenant_id, project_id, id, version, initial, transitions, "
        "updated_at, updated_by) "
        "VALUES (:tenant_id, :project_id, :id, 1, 'idea', 'null', :now, '')",
        **given,
    )
    for place, (key, category) in enumerate((("idea", "backlog"), ("shipped", "done"))):
        tx.execute(
            "INSERT INTO workflow_statuses (tenant_id, project_id, key, name, name_key, category, "
            "position) VALUES (:tenant_id, :project_id, :key, :key, :key, :category, :place)",
            project_id=project_id,
            key=key,
            category=category,
            place=place,
        )
    tx.execute(
        "UPDATE projects SET workflow_id = :id WHERE tenant_id = :tenant_id AND id = :project_id",
        **given,
    )


async def test_transfers_integration_time_goes_along_with_its_item(world: BoardWorld) -> None:
    await world.a_project()
    sea = await world.a_project("SEA")
    await world.an_item()
    await world.timers.start("TM-1", None, actor=world.actor)

    await _transfer(world, "TM-1")

    found = await world.time_entries.list(
        TimeEntryFilter(project_id=sea.id), PageRequest(), actor=world.actor
    )
    assert [entry.item_key for entry in found.items] == ["SEA-1"]


async def test_transfers_integration_refuses_what_cannot_be_and_repeats_nothing(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    await world.a_project("OLD")
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("OLD", archived, ANY_VERSION, actor=world.actor)
    await world.an_item()

    with pytest.raises(ProjectNotFound):
        await _transfer(world, "TM-1", "NONE")
    with pytest.raises(ProjectIsArchived):
        await _transfer(world, "TM-1", "OLD")
    with pytest.raises(WorkItemNotFound):
        await _transfer(world, "TM-9")
    neighbour = world.an_actor(await a_tenant(world.stores))
    await world.projects.create(("HID", "Hidden", None), actor=neighbour)
    with pytest.raises(ProjectNotFound):
        await _transfer(world, "TM-1", "HID")
    with pytest.raises(WorkItemNotFound):
        await world.transfers.transfer("TM-1", NewTransfer(project="HID"), actor=neighbour)
    with pytest.raises(VersionChanged):
        await _transfer(world, "TM-1", expected=Expected(if_match=2))
    once = Once(key="k", scope="s", fingerprint="f", result_type=Transfer)
    first = await _transfer(world, "TM-1", once=once)
    again = await _transfer(world, "TM-1", once=once)
    there = await _transfer(world, "TM-1")

    assert first == again
    assert (there.items, there.item.version) == ((), 2)


async def test_transfers_integration_racing_moves_and_edits_lose_nothing(
    world: BoardWorld,
) -> None:
    for key in ("TM", "SEA", "SKY"):
        await world.a_project(key)
    item = await world.an_item("story")

    async def rename(place: int) -> WorkItem:
        changes = WorkItemChanges(title=f"Name {place}")
        return await world.items.change("TM-1", changes, actor=world.actor)

    async def child(place: int) -> WorkItem:
        return await world.an_item("task", project=None, parent="TM-1", title=f"Child {place}")

    moves = [
        _transfer(world, "TM-1", project, children=Children.TAKE)
        for project in ("SEA", "SKY", "TM", "SEA", "SKY")
    ]
    writes = [work(place) for place in range(4) for work in (rename, child)]
    done = await asyncio.gather(*moves, *writes)

    now = await world.reads.get(item.id, actor=world.actor)
    told = [made for made in done if isinstance(made, Transfer) and made.items]
    keys = {made.items[0].old_key for made in told} | {made.item.key for made in told}
    for key in keys | {"TM-1"}:
        assert (await world.reads.get(key, actor=world.actor)).id == item.id, key
    assert await world.versions_of(item.id) == list(range(1, now.version + 1))
    assert now.version == 1 + len(told) + 4
    children = await world.rows(
        "SELECT project_id FROM work_items WHERE tenant_id = :tenant_id AND parent_id = :id",
        id=item.id,
    )
    assert [row[0] for row in children] == [now.project_id] * 4
    transferred = [one for one in await world.fact_types() if one == "WorkItemTransferred"]
    assert len(transferred) == len(told)

"""What work items promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import (
    AssigneeNotMember,
    DeleteBlocked,
    EditConflict,
    ParentIsDeleted,
    ProjectIsArchived,
    ProjectIsNotAWorkItem,
    ProjectNotFound,
    StatusTransitionForbidden,
    WorkItemChanged,
    WorkItemNotFound,
    WrongParent,
)
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import (
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    WorkItemFilter,
)
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Once
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def test_work_items_integration_create_writes_row_activity_fact_and_audit(
    world: BoardWorld,
) -> None:
    """R010, R027, R036."""
    project = await world.a_project()

    item = await world.an_item("story", description="Both harbours")

    assert (item.key, item.number, item.version) == ("TM-1", 1, 1)
    assert (item.status, item.priority) == ("backlog", "medium")
    assert item.project_id == project.id
    assert item == await world.reads.get("TM-1", actor=world.actor)
    activity = await world.reads.activity("TM-1", PageRequest(), actor=world.actor)
    assert [(row.action, row.version) for row in activity.items] == [("created", 1)]
    assert activity.items[0].user_id == world.actor.user_id
    assert await world.fact_types() == ["ProjectCreated", "WorkItemCreated"]
    assert await world.audit_actions() == ["board.projects.create", "board.work_items.create"]


async def test_work_items_integration_get_by_id_and_by_key_are_one(world: BoardWorld) -> None:
    await world.a_project()
    ada = await world.a_person("Ada")
    item = await world.an_item(assignee_id=ada)

    by_id = await world.reads.get(item.id, actor=world.actor)

    assert by_id == await world.reads.get(item.key, actor=world.actor) == item
    assert by_id == await world.reads.get(item.key.lower(), actor=world.actor)
    assert (by_id.assignee_id, by_id.assignee_name) == (ada, "Ada")


async def test_work_items_integration_get_of_what_is_not_there_is_not_found(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item()

    for reference in ("TM-9", "XX-1", "nonsense", "a\0b", "TM-99999999999999999", "TM-01"):
        with pytest.raises(WorkItemNotFound):
            await world.reads.get(reference, actor=world.actor)


async def test_work_items_integration_another_tenants_item_does_not_exist(
    world: BoardWorld,
) -> None:
    """R043: neither its id nor its key tells that it is there."""
    await world.a_project()
    item = await world.an_item()
    stranger = world.an_actor(await a_tenant(world.stores))

    for reference in (item.id, item.key):
        with pytest.raises(WorkItemNotFound):
            await world.reads.get(reference, actor=stranger)
        with pytest.raises(WorkItemNotFound):
            await world.items.change(reference, WorkItemChanges(title="Mine"), actor=stranger)
        with pytest.raises(WorkItemNotFound):
            await world.items.delete(reference, actor=stranger)
    with pytest.raises(ProjectNotFound):
        await world.items.create(
            NewWorkItem(item_type="task", title="Mine", project=item.project_id),
            actor=stranger,
        )


@pytest.mark.each_database(reason="transactions race")
async def test_work_items_integration_racing_creations_get_numbers_without_gap_or_twin(
    world: BoardWorld,
) -> None:
    await world.a_project()

    items = await asyncio.gather(*(world.an_item() for _ in range(30)))

    assert sorted(item.number for item in items) == list(range(1, 31))


async def test_work_items_integration_numbers_are_never_given_twice(world: BoardWorld) -> None:
    await world.a_project()
    await world.an_item()
    last = await world.an_item()
    await world.items.delete(last.key, actor=world.actor)

    assert (await world.an_item()).key == "TM-3"


async def test_work_items_integration_change_keeps_what_it_does_not_name(
    world: BoardWorld,
) -> None:
    """R040: absent is not null; defect 7: old and new value of each field are kept."""
    await world.a_project()
    ada = await world.a_person()
    item = await world.an_item(assignee_id=ada, description="Old")

    changed = await world.items.change(
        item.key, WorkItemChanges(title="New", assignee_id=None), actor=world.actor
    )

    assert (changed.title, changed.description, changed.assignee_id) == ("New", "Old", None)
    assert changed.version == 2
    assert changed == await world.reads.get(item.id, actor=world.actor)
    activity = await world.reads.activity(item.key, PageRequest(), actor=world.actor)
    assert [(row.version, row.field, row.old_value, row.new_value) for row in activity.items] == [
        (2, "assignee_id", ada, None),
        (2, "title", item.title, "New"),
        (1, "", None, None),
    ]
    assert (await world.fact_types())[-1] == "WorkItemUpdated"
    assert (await world.audit_actions())[-1] == "board.work_items.update"


async def test_work_items_integration_change_without_difference_writes_nothing(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()

    same = await world.items.change(
        item.key, WorkItemChanges(title=item.title, status="backlog"), actor=world.actor
    )

    assert same.version == 1
    assert await world.versions_of(item.id) == [1]
    assert (await world.fact_types())[-1] == "WorkItemCreated"


@pytest.mark.each_database(reason="transactions race")
async def test_work_items_integration_a_hundred_racing_writers_lose_nothing(
    world: BoardWorld,
) -> None:
    """Defect 3: each write is a version of its own, in one line."""
    await world.a_project()
    item = await world.an_item()

    await asyncio.gather(
        *(
            world.items.change(item.id, WorkItemChanges(title=f"Title {n}"), actor=world.actor)
            for n in range(100)
        )
    )

    assert (await world.reads.get(item.id, actor=world.actor)).version == 101
    assert await world.versions_of(item.id) == list(range(1, 102))
    history = await world.rows(
        "SELECT old_value, new_value FROM activities WHERE tenant_id = :tenant_id "
        "AND work_item_id = :item_id AND field = 'title' ORDER BY version",
        item_id=item.id,
    )
    titles = [history[0][0], *(row[1] for row in history)]
    assert [row[0] for row in history] == titles[:-1], "a write overlooked the one before it"
    assert len(set(titles)) == 101


@pytest.mark.each_database(reason="transactions race")
async def test_work_items_integration_of_racing_writers_of_one_version_one_wins(
    world: BoardWorld,
) -> None:
    """Defect 3: the version is compared where the row is written."""
    await world.a_project()
    item = await world.an_item()

    results = await asyncio.gather(
        *(
            world.items.change(
                item.id,
                WorkItemChanges(title=f"Title {n}"),
                Expected(if_match=1) if n % 2 else Expected(version=1),
                actor=world.actor,
            )
            for n in range(10)
        ),
        return_exceptions=True,
    )

    winners = [result for result in results if isinstance(result, WorkItem)]
    assert len(winners) == 1
    for n, result in enumerate(results):
        assert isinstance(result, WorkItem | (VersionChanged if n % 2 else WorkItemChanged))
    assert await world.versions_of(item.id) == [1, 2]


async def test_work_items_integration_changes_from_one_base_merge_unless_they_overlap(
    world: BoardWorld,
) -> None:
    """Research 6.5: nobody loses a draft because somebody else touched another field."""
    await world.a_project()
    item = await world.an_item()
    base = Expected(base=1)
    await world.items.change(item.id, WorkItemChanges(title="Ada's"), base, actor=world.actor)

    merged = await world.items.change(
        item.id, WorkItemChanges(description="Bo's"), base, actor=world.actor
    )
    same = await world.items.change(
        item.id, WorkItemChanges(title="Ada's"), base, actor=world.actor
    )

    assert (merged.title, merged.description, merged.version) == ("Ada's", "Bo's", 3)
    assert same == merged
    with pytest.raises(EditConflict, match='"Ada\'s", and you want "Bo\'s"') as conflict:
        await world.items.change(item.id, WorkItemChanges(title="Bo's"), base, actor=world.actor)
    assert conflict.value.param == "title"
    with pytest.raises(WorkItemChanged):
        await world.items.change(
            item.id, WorkItemChanges(title="x"), Expected(base=9), actor=world.actor
        )


async def test_work_items_integration_status_moves_along_the_workflow(world: BoardWorld) -> None:
    """R013, defects 8 and 9: `blocked` is stored, and a forbidden move is refused."""
    await world.a_project()
    item = await world.an_item()

    for status in ("in_progress", "blocked", "review", "done"):
        moved = await world.items.change(
            item.key, WorkItemChanges(status=status), actor=world.actor
        )
        assert moved.status == status
    with pytest.raises(StatusTransitionForbidden, match="todo, in_progress, review"):
        await world.items.change(item.key, WorkItemChanges(status="backlog"), actor=world.actor)


async def test_work_items_integration_hierarchy_is_kept(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("XX")
    epic = await world.an_item("epic")
    story = await world.an_item("story", parent=epic.key, project=None)
    task = await world.an_item("task", parent=story.id)

    assert (story.parent_id, task.parent_id) == (epic.id, story.id)
    assert story.project_id == epic.project_id, "R039: the project follows from the parent"
    with pytest.raises(WrongParent, match="belongs below a story or a bug"):
        await world.an_item("task", parent=epic.key)
    with pytest.raises(WrongParent, match="another project"):
        await world.an_item("story", parent=epic.key, project="XX")
    with pytest.raises(WrongParent, match="own parent"):
        await world.items.change(story.key, WorkItemChanges(parent=story.key), actor=world.actor)
    with pytest.raises(WrongParent, match="has no parent"):
        await world.items.change(epic.key, WorkItemChanges(parent=task.key), actor=world.actor)
    orphan = await world.items.change(task.key, WorkItemChanges(parent=None), actor=world.actor)
    assert orphan.parent_id is None


async def test_work_items_integration_no_item_becomes_a_project(world: BoardWorld) -> None:
    """R011: the word is reserved."""
    await world.a_project()
    item = await world.an_item()

    with pytest.raises(ProjectIsNotAWorkItem, match="POST /api/v1/projects"):
        await world.items.change(item.key, WorkItemChanges(item_type="project"), actor=world.actor)


async def test_work_items_integration_assignee_must_be_an_active_member(
    world: BoardWorld,
) -> None:
    await world.a_project()
    gone = await world.a_person("Gone", state="removed")

    for stranger in (gone, "01890000-0000-7000-8000-000000000000", "no such\0one"):
        with pytest.raises(AssigneeNotMember):
            await world.an_item(assignee_id=stranger)
    assert await world.rows("SELECT id FROM work_items WHERE tenant_id = :tenant_id") == []


async def test_work_items_integration_delete_hides_and_restore_brings_back(
    world: BoardWorld,
) -> None:
    """R025."""
    await world.a_project()
    epic = await world.an_item("epic")
    story = await world.an_item("story", parent=epic.key)

    with pytest.raises(DeleteBlocked):
        await world.items.delete(epic.key, actor=world.actor)
    await world.items.delete(story.key, actor=world.actor)
    await world.items.delete(epic.key, actor=world.actor)
    with pytest.raises(WorkItemNotFound):
        await world.reads.get(story.key, actor=world.actor)
    listed = await world.reads.list(WorkItemFilter(), PageRequest(), actor=world.actor)
    assert listed.items == []
    with pytest.raises(ParentIsDeleted):
        await world.items.restore(story.key, actor=world.actor)
    await world.items.restore(epic.key, actor=world.actor)
    restored = await world.items.restore(story.key, actor=world.actor)

    assert (restored.version, restored.deleted_at) == (3, None)
    assert await world.reads.get(story.key, actor=world.actor) == restored
    actions = await world.reads.activity(story.key, PageRequest(), actor=world.actor)
    assert [row.action for row in actions.items] == ["restored", "deleted", "created"]


async def test_work_items_integration_a_parent_cannot_vanish_under_its_new_child(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for _ in range(10):
        epic = await world.an_item("epic")
        deleted, child = await asyncio.gather(
            world.items.delete(epic.key, actor=world.actor),
            world.an_item("story", parent=epic.key),
            return_exceptions=True,
        )
        assert isinstance(deleted, DeleteBlocked) != isinstance(child, WorkItemNotFound)


async def test_work_items_integration_archived_and_deleted_projects_take_no_changes(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item()
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("TM", archived, ANY_VERSION, actor=world.actor)

    assert (await world.reads.get(item.key, actor=world.actor)).title == item.title
    with pytest.raises(ProjectIsArchived):
        await world.an_item()
    with pytest.raises(ProjectIsArchived):
        await world.items.change(item.key, WorkItemChanges(title="x"), actor=world.actor)
    await world.projects.delete("TM", actor=world.actor)
    with pytest.raises(WorkItemNotFound):
        await world.reads.get(item.key, actor=world.actor)
    with pytest.raises(ProjectNotFound):
        await world.an_item()


async def test_work_items_integration_an_idempotency_key_makes_one_item(
    world: BoardWorld,
) -> None:
    """Defect 4: the first result lies in the same transaction."""
    await world.a_project()
    new = NewWorkItem(item_type="task", title="Once", project="TM")
    once = Once(key="k", scope="s", fingerprint="f", result_type=WorkItem)

    items = await asyncio.gather(
        *(world.items.create(new, actor=world.actor, once=once) for _ in range(5))
    )

    assert len({item.id for item in items}) == 1
    assert await world.reads.get("TM-1", actor=world.actor) == items[0]
    with pytest.raises(WorkItemNotFound):
        await world.reads.get("TM-2", actor=world.actor)

"""Lists of work items on every kind of store."""

from __future__ import annotations

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.work_items.models import (
    Priority,
    WorkItem,
    WorkItemFilter,
)
from tidemill.core.clock import Instant
from tidemill.core.pages import page_request

pytestmark = pytest.mark.anyio


async def test_list_integration_filters_and_pages_lose_and_repeat_nothing(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("XX")
    ada = await world.a_person()
    epic = await world.an_item("epic")
    for n in range(7):
        await world.an_item("story", parent=epic.key, title=f"Story {n}")
        await world.an_item("task", assignee_id=ada, status="todo", priority=Priority.LOW)
        await world.an_item("bug", project="XX")
    project = await world.projects.get("TM", actor=world.actor)

    wanted = {
        WorkItemFilter(): 22,
        WorkItemFilter(project_id=project.id): 15,
        WorkItemFilter(project_id=project.id, status="todo"): 7,
        WorkItemFilter(item_type="bug"): 7,
        WorkItemFilter(parent_id=epic.id): 7,
        WorkItemFilter(assignee_id=ada, project_id=project.id): 7,
        WorkItemFilter(updated_since=Instant(0)): 22,
        WorkItemFilter(updated_since=Instant(0), project_id=project.id, status="todo"): 7,
        WorkItemFilter(updated_since=Instant(2**60)): 0,
    }
    for filter_, count in wanted.items():
        found = await _all(world, filter_)
        assert len(found) == len({item.id for item in found}) == count, filter_


async def test_list_integration_goes_on_while_others_write(world: BoardWorld) -> None:
    """Rows that nobody touches are seen exactly once."""
    project = await world.a_project()
    items = [await world.an_item() for _ in range(9)]
    filter_ = WorkItemFilter(project_id=project.id)
    first = await world.reads.list(filter_, page_request(4, None), actor=world.actor)
    await world.items.delete(items[7].key, actor=world.actor)
    await world.an_item()

    second = await world.reads.list(filter_, page_request(50, first.next_cursor), actor=world.actor)

    assert [item.number for item in first.items + second.items] == [9, 8, 7, 6, 5, 4, 3, 2, 1]


async def _all(world: BoardWorld, wanted: WorkItemFilter) -> list[WorkItem]:
    found: list[WorkItem] = []
    cursor: str | None = None
    while True:
        page = await world.reads.list(wanted, page_request(3, cursor), actor=world.actor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found

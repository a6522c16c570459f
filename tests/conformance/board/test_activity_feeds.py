"""What it promises to ask for what happened since."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.activity_feeds.models import Feed, Numbered
from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.work_items.models import WorkItem, WorkItemChanges
from tidemill.core.pages import InvalidCursor, page_request

pytestmark = pytest.mark.anyio


async def _of_project(
    world: BoardWorld, since: int, project: str = "TM", *, limit: int = 200
) -> tuple[list[Numbered], int]:
    """Return all pages since a number, and the number to go on from."""
    found: list[Numbered] = []
    cursor = None
    while True:
        feed: Feed = await world.activity.of_project(
            project, since, page_request(limit, cursor), actor=world.actor
        )
        found += feed.items
        cursor = feed.next_cursor
        if cursor is None:
            return found, feed.through_seq


def _told(rows: list[Numbered]) -> list[tuple[str, str, int]]:
    return [(row.activity.action, row.activity.field, row.activity.version) for row in rows]


async def test_activity_feeds_integration_tell_what_came_later_and_in_which_order(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    await world.an_item()
    _, seen = await _of_project(world, 0)
    both = WorkItemChanges(title="Read", points=3)
    await world.items.change("TM-1", both, actor=world.actor)
    await world.a_comment()
    await world.an_item(project="SEA")
    await world.items.delete("TM-1", actor=world.actor)

    later, through = await _of_project(world, seen)
    paged, again = await _of_project(world, seen, limit=1)

    assert [row[:1] + row[2:] for row in _told(later)] == [
        ("updated", 2), ("updated", 2), ("commented", 2), ("deleted", 3)
    ]  # fmt: skip
    assert [row.activity.field for row in later[:2]] == ["points", "title"]
    assert (paged, again) == (later, through)
    assert later[0].seq == later[1].seq < later[2].seq < later[3].seq <= through
    assert await _of_project(world, through) == ([], through)
    await world.items.restore("TM-1", actor=world.actor)
    await world.transfers.transfer("TM-1", NewTransfer(project="SEA"), actor=world.actor)
    await world.items.change("TM-1", WorkItemChanges(title="Sail"), actor=world.actor)
    here, _ = await _of_project(world, through)
    there, _ = await _of_project(world, through, "SEA")
    assert {row[0] for row in _told(here)} == {"restored", "transferred"}
    assert {row[0] for row in _told(there)} == {"transferred", "updated"}
    own = await world.activity.of_item("TM-1", through, page_request(200, None), actor=world.actor)
    assert {row[0] for row in _told(own.items)} == {"restored", "transferred", "updated"}
    neighbour = world.an_actor(await a_tenant(world.stores))
    page = page_request(9, None)
    with pytest.raises(WorkItemNotFound):
        await world.activity.of_item("TM-1", 0, page, actor=neighbour)
    with pytest.raises(ProjectNotFound):
        await world.activity.of_project("TM", 0, page, actor=neighbour)
    with pytest.raises(InvalidCursor):
        page_request(9, "nonsense")


async def test_activity_feeds_integration_racing_writers_hide_nothing_from_a_reader(
    world: BoardWorld,
) -> None:
    await world.a_project()
    items = [await world.an_item(title=f"Item {place}") for place in range(6)]
    rounds = 8
    seen: list[Numbered] = []
    since = 0
    done = asyncio.Event()

    async def write(item: WorkItem) -> None:
        for turn in range(rounds):
            changes = WorkItemChanges(title=f"Turn {turn}", points=turn)
            await world.items.change(item.id, changes, actor=world.actor)

    async def read() -> None:
        nonlocal since
        while True:
            is_last = done.is_set()
            rows, since = await _of_project(world, since, limit=7)
            seen.extend(rows)
            if is_last:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*map(write, items))
    done.set()
    await reader

    stored = await world.rows(
        "SELECT work_item_id, version, field FROM activities WHERE tenant_id = :tenant_id"
    )
    told = [(row.activity.work_item_id, row.activity.version, row.activity.field) for row in seen]
    assert len(told) == len(items) * (1 + 2 * rounds)
    assert sorted(told) == sorted(tuple(row) for row in stored)
    assert [row.seq for row in seen] == sorted(row.seq for row in seen)

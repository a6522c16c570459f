"""Who waits, and who hears that they wait no longer, on both databases."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.dependency_errors import BlockersUnfinished
from tidemill.board.limits import BoardLimits
from tidemill.board.work_items.models import WorkItemChanges, WorkItemFilter
from tidemill.board.work_items.service import WorkItemService
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio


async def items(world: BoardWorld, count: int) -> None:
    await world.a_project()
    for _ in range(count):
        await world.an_item(status="todo")


async def to(world: BoardWorld, key: str, status: str) -> None:
    await world.items.change(key, WorkItemChanges(status=status), actor=world.actor)


async def waiting(world: BoardWorld, *, blocked: bool = True) -> list[str]:
    """Return the keys that a list of blocked items holds."""
    project = (await world.projects.get("TM", actor=world.actor)).id
    wanted = WorkItemFilter(project_id=project, blocked=blocked)
    found = await world.reads.list(wanted, PageRequest(), actor=world.actor)
    assert all(item.is_blocked is blocked for item in found.items)
    return [item.key for item in found.items]


async def told(world: BoardWorld) -> list[tuple[str, str]]:
    """Return which items began and ceased to wait."""
    rows = await world.rows(
        "SELECT type, data FROM stream WHERE tenant_id = :tenant_id "
        "AND type IN ('WorkItemBlocked', 'WorkItemUnblocked') ORDER BY seq"
    )
    return [
        (kind.removeprefix("WorkItem"), msgspec.json.decode(data)["key"]) for kind, data in rows
    ]


async def test_blocked_integration_items_wait_until_the_last_blocker_is_done(
    world: BoardWorld,
) -> None:
    await items(world, 3)
    await world.a_link("TM-1", "TM-3")
    await world.a_link("TM-2", "TM-3")
    assert await waiting(world) == ["TM-3"]

    await to(world, "TM-1", "done")
    assert await told(world) == [("Blocked", "TM-3")]
    await to(world, "TM-2", "cancelled")

    assert await told(world) == [("Blocked", "TM-3"), ("Unblocked", "TM-3")]
    assert await waiting(world) == []
    assert await waiting(world, blocked=False) == ["TM-3", "TM-2", "TM-1"]
    # Blocking the item again tells so again.
    await to(world, "TM-1", "in_progress")
    assert (await told(world))[-1] == ("Blocked", "TM-3")


async def test_blocked_integration_a_deleted_blocker_lets_go_until_it_comes_back(
    world: BoardWorld,
) -> None:
    await items(world, 2)
    await world.a_link("TM-1", "TM-2")

    await world.items.delete("TM-1", actor=world.actor)
    assert await waiting(world) == []
    await world.items.restore("TM-1", actor=world.actor)

    assert await waiting(world) == ["TM-2"]
    assert [kind for kind, _ in await told(world)] == ["Blocked", "Unblocked", "Blocked"]


async def test_blocked_integration_a_removed_link_lets_go(world: BoardWorld) -> None:
    await items(world, 2)
    made = await world.a_link("TM-1", "TM-2")

    await world.dependencies.delete(made.id, actor=world.actor)

    assert await told(world) == [("Blocked", "TM-2"), ("Unblocked", "TM-2")]


async def test_blocked_integration_a_deleted_project_lets_go_of_other_projects(
    world: BoardWorld,
) -> None:
    await items(world, 1)
    await world.a_project("SEA")
    await world.an_item(project="SEA")
    await world.a_link("SEA-1", "TM-1")

    await world.projects.delete("SEA", actor=world.actor)
    assert await waiting(world) == []
    await world.projects.restore("SEA", actor=world.actor)

    assert await waiting(world) == ["TM-1"]
    assert [kind for kind, _ in await told(world)] == ["Blocked", "Unblocked", "Blocked"]


@pytest.mark.each_database(reason="transactions race")
async def test_blocked_integration_racing_ends_of_the_last_blockers_tell_once(
    world: BoardWorld,
) -> None:
    await items(world, 5)
    for number in range(1, 5):
        await world.a_link(f"TM-{number}", "TM-5")

    await asyncio.gather(*(to(world, f"TM-{number}", "done") for number in range(1, 5)))

    assert await told(world) == [("Blocked", "TM-5"), ("Unblocked", "TM-5")]


async def test_blocked_integration_what_is_finished_waits_for_nothing(world: BoardWorld) -> None:
    await items(world, 2)
    await to(world, "TM-2", "done")

    await world.a_link("TM-1", "TM-2")

    assert await waiting(world) == []
    assert await told(world) == []


async def test_blocked_integration_only_blocks_holds_up(world: BoardWorld) -> None:
    await items(world, 2)
    await world.a_link("TM-1", "TM-2", "relates_to")
    await world.a_link("TM-1", "TM-2", "duplicates")

    assert await waiting(world) == []


async def test_blocked_integration_a_duplicate_is_closed_by_choice_and_lets_go(
    world: BoardWorld,
) -> None:
    await items(world, 3)
    await world.a_link("TM-1", "TM-3")

    kept = await world.a_link("TM-3", "TM-2", "duplicates")
    closed = await world.a_link("TM-1", "TM-2", "duplicates", close=True)

    assert (kept.blocking.status, closed.blocking.status) == ("todo", "cancelled")
    item = await world.reads.get("TM-1", actor=world.actor)
    assert (item.status, item.completed_at) == ("cancelled", closed.created_at)
    assert await told(world) == [("Blocked", "TM-3"), ("Unblocked", "TM-3")]
    rows = (await world.reads.activity("TM-1", PageRequest(), actor=world.actor)).items
    assert [(row.version, row.field, row.new_value) for row in rows[:2]] == [
        (3, "duplicates", "TM-2"),
        (3, "status", "cancelled"),
    ]


async def test_blocked_integration_a_tenant_may_hold_blocked_items_back(world: BoardWorld) -> None:
    await items(world, 2)
    await world.a_link("TM-1", "TM-2")

    async def wait(actor: Actor) -> bool:
        return actor.tenant_id == world.tenant_id

    strict = WorkItemService(world.stores.tenants, BoardLimits(), blocked_items_wait=wait)
    for status in ("in_progress", "done"):
        with pytest.raises(BlockersUnfinished) as refused:
            await strict.change("TM-2", WorkItemChanges(status=status), actor=world.actor)
        assert refused.value.param == "status"
        assert "waits for TM-1." in refused.value.message
    await strict.change("TM-2", WorkItemChanges(status="blocked"), actor=world.actor)
    with pytest.raises(BlockersUnfinished):
        await strict.change("TM-2", WorkItemChanges(status="review"), actor=world.actor)
    await to(world, "TM-1", "done")

    begun = await strict.change("TM-2", WorkItemChanges(status="in_progress"), actor=world.actor)

    assert begun.status == "in_progress"

"""What inboxes hear of sprints, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import pytest

from tests.fixtures.notifications import NotificationWorld
from tidemill.board.contract import SprintId
from tidemill.board.sprints.models import SprintChanges, SprintStatus
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio


async def _a_sprint_of(world: NotificationWorld, *assignees: str | None) -> SprintId:
    """Return a planned sprint that holds an item of each."""
    sprint = await world.a_sprint("Ebb")
    for assignee in assignees:
        await world.an_item(assignee_id=assignee, sprint=sprint.id)
    await world.tell()
    return sprint.id


async def test_sprints_integration_are_told_once_to_each_member_at_its_first_item(
    world: NotificationWorld,
) -> None:
    bo, cy, eve = [await world.a_reader(name) for name in ("Bo", "Cy", "Eve")]
    sprint = await _a_sprint_of(world, None, bo.id, bo.id, cy.id)
    await world.watchers.watch("TM-1", "me", actor=cy)

    await world.sprints.start(sprint, actor=world.actor)

    for reader, item in ((bo, "TM-2"), (cy, "TM-1")):
        told = [row for row in await world.inbox(reader) if "sprint_started" in row.reasons]
        assert [row.item_key for row in told] == [item]
        [event, *_] = (
            await world.notifications.events(told[0].id, PageRequest(), actor=reader)
        ).items
        assert (event.reason, event.field, event.new_value) == ("sprint_started", "sprint", "Ebb")
    assert await world.reasons(eve) == []
    assert await world.reasons(world.actor) == []


@pytest.mark.parametrize("status", [SprintStatus.COMPLETED, SprintStatus.CANCELLED])
async def test_sprints_integration_tell_their_end_also_to_those_whose_items_went_on(
    world: NotificationWorld, status: SprintStatus
) -> None:
    bo, cy = [await world.a_reader(name) for name in ("Bo", "Cy")]
    sprint = await _a_sprint_of(world, bo.id, cy.id)
    await world.sprints.start(sprint, actor=world.actor)
    await world.items.change("TM-1", WorkItemChanges(status="in_progress"), actor=bo)
    await world.items.change("TM-1", WorkItemChanges(status="done"), actor=bo)

    await world.sprints.end(sprint, status, None, actor=world.actor)

    [done] = await world.reasons(bo)
    [carried] = await world.reasons(cy)
    assert "sprint_ended" in done.split()
    assert {"sprint_ended", "changed"} <= set(carried.split())


async def test_sprints_integration_tell_nothing_of_names_and_goals(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    sprint = await _a_sprint_of(world, bo.id)

    await world.sprints.change(sprint, SprintChanges(name="Flood"), actor=world.actor)

    assert await world.reasons(bo) == ["assigned"]


async def test_sprints_integration_leave_those_alone_who_muted_the_item_or_the_project(
    world: NotificationWorld,
) -> None:
    bo, cy = [await world.a_reader(name) for name in ("Bo", "Cy")]
    sprint = await _a_sprint_of(world, bo.id, cy.id)
    await world.watchers.mute("TM-1", "me", actor=bo)
    await world.preferences.mute("TM", actor=cy)

    await world.sprints.start(sprint, actor=world.actor)

    assert await world.reasons(bo) == ["assigned"]
    assert await world.reasons(cy) == ["assigned"]

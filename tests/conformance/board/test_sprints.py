"""What sprints promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import NotPlannable, ProjectIsArchived
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import Selection
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.sprint_errors import (
    CarriedOverToItself,
    SprintChanged,
    SprintDatesReversed,
    SprintEnded,
    SprintHoldsItems,
    SprintNotFound,
    SprintRuns,
    SprintStep,
    WrongSprint,
)
from tidemill.board.sprints.models import Sprint, SprintChanges, SprintStatus
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import page_request

pytestmark = pytest.mark.anyio
_COMPLETED, _CANCELLED = SprintStatus.COMPLETED, SprintStatus.CANCELLED
_day_seconds = 86_400


async def _put(world: BoardWorld, item: WorkItem, sprint: Sprint | None) -> WorkItem:
    changes = WorkItemChanges(sprint=sprint.id if sprint else None)
    return await world.items.change(item.id, changes, actor=world.actor)


async def _status(world: BoardWorld, item: WorkItem, *statuses: str) -> WorkItem:
    for status in statuses:
        item = await world.items.change(item.id, WorkItemChanges(status=status), actor=world.actor)
    return item


async def _started(world: BoardWorld, name: str = "Spring tide") -> Sprint:
    sprint = await world.a_sprint(name)
    return await world.sprints.start(sprint.id, actor=world.actor)


async def test_sprints_integration_go_from_planned_to_active_to_completed(
    world: BoardWorld,
) -> None:
    await world.a_project()
    planned = await world.a_sprint(goal="Boats sail again")

    active = await world.sprints.start(planned.id, actor=world.actor)
    ending = await world.sprints.end(planned.id, _COMPLETED, None, actor=world.actor)

    assert (planned.status, planned.version, planned.started_at) == ("planned", 1, None)
    assert (active.status, active.started_at) == ("active", active.updated_at)
    assert (ending.sprint.status, ending.carried_over) == ("completed", 0)
    assert await world.sprints.get(planned.id, actor=world.actor) == ending.sprint
    assert (await world.fact_types())[1:] == ["SprintCreated", "SprintUpdated", "SprintUpdated"]
    assert (await world.audit_actions())[1:] == [
        "board.sprints.create",
        "board.sprints.update",
        "board.sprints.update",
    ]
    for again in (
        world.sprints.start(planned.id, actor=world.actor),
        world.sprints.end(planned.id, _CANCELLED, None, actor=world.actor),
    ):
        with pytest.raises(SprintStep):
            await again
    with pytest.raises(SprintEnded):
        await world.sprints.change(planned.id, SprintChanges(name="x"), actor=world.actor)


@pytest.mark.each_database(reason="transactions race")
async def test_sprints_integration_one_of_a_project_is_active_unless_more_are_wanted(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sprints = [await world.a_sprint(f"Sprint {number}") for number in range(6)]

    begun = await asyncio.gather(
        *(world.sprints.start(sprint.id, actor=world.actor) for sprint in sprints),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Sprint) for one in begun) == 1
    assert sum(isinstance(one, SprintRuns) for one in begun) == 5
    world.parallel_sprints = True
    left = next(
        sprint for sprint, one in zip(sprints, begun, strict=True) if isinstance(one, SprintRuns)
    )
    assert (await world.sprints.start(left.id, actor=world.actor)).status == "active"


async def test_sprints_integration_completing_carries_the_rest_over_in_one_step(
    world: BoardWorld,
) -> None:
    await world.a_project()
    old, following = await _started(world), await world.a_sprint("Neap tide")
    done, cancelled, left = [
        await _put(world, await world.an_item(points=3), old) for _ in range(3)
    ]
    await _status(world, done, "in_progress", "done")
    await _status(world, cancelled, "cancelled")

    ending = await world.sprints.end(old.id, _COMPLETED, following.id, actor=world.actor)

    assert (ending.carried_over, ending.unfinished_to) == (1, following.id)
    after = {
        item.id: (await world.reads.get(item.id, actor=world.actor)).sprint_name
        for item in (done, cancelled, left)
    }
    assert after == {done.id: "Spring tide", cancelled.id: "Spring tide", left.id: "Neap tide"}
    moved = await world.reads.get(left.id, actor=world.actor)
    assert moved.version == left.version + 1
    assert await world.versions_of(left.id) == [1, 2, 3]
    course = (await world.sprints.burndown(old.id, actor=world.actor))[1]
    assert (course.final.scope_count, course.final.scope_points) == (2, 6)
    assert (course.final.done_count, course.final.done_points) == (1, 3)


async def test_sprints_integration_what_is_cancelled_or_left_goes_to_the_backlog(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    item = await _put(world, await world.an_item(), sprint)

    ending = await world.sprints.end(sprint.id, _CANCELLED, None, actor=world.actor)

    assert (ending.carried_over, ending.unfinished_to) == (1, None)
    assert (await world.reads.get(item.id, actor=world.actor)).sprint_id is None


async def test_sprints_integration_nothing_is_carried_over_to_where_it_cannot_go(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("OT")
    sprint, ended = await _started(world), await world.a_sprint("Ended")
    await world.sprints.end(ended.id, _CANCELLED, None, actor=world.actor)
    foreign = await world.a_sprint("Foreign", project="OT")
    item = await _put(world, await world.an_item(), sprint)

    for to, error in (
        (sprint.id, CarriedOverToItself),
        (ended.id, SprintEnded),
        (foreign.id, WrongSprint),
        ("nowhere", SprintNotFound),
    ):
        with pytest.raises(error) as refused:
            await world.sprints.end(sprint.id, _COMPLETED, to, actor=world.actor)
        assert refused.value.param == "unfinished_to"

    assert (await world.sprints.get(sprint.id, actor=world.actor)).status == "active"
    assert (await world.reads.get(item.id, actor=world.actor)).sprint_id == sprint.id


async def test_sprints_integration_take_stories_tasks_and_bugs(world: BoardWorld) -> None:
    """R014."""
    await world.a_project()
    await world.a_project("OT")
    sprint, foreign = await world.a_sprint(), await world.a_sprint("Foreign", project="OT")
    epic = await world.an_item("epic")

    for item_type in ("story", "task", "bug"):
        item = await world.an_item(item_type, sprint=sprint.id)
        assert (item.sprint_id, item.sprint_name) == (sprint.id, "Spring tide")
    with pytest.raises(NotPlannable):
        await _put(world, epic, sprint)
    with pytest.raises(WrongSprint):
        await _put(world, await world.an_item(), foreign)
    listed = await world.reads.list(
        WorkItemFilter(sprint_id=sprint.id), page_request(None, None, ""), actor=world.actor
    )
    assert {item.item_type for item in listed.items} == {"story", "task", "bug"}


@pytest.mark.each_database(reason="transactions race")
async def test_sprints_integration_no_item_enters_one_that_ends_meanwhile(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sprint = await _started(world)
    items = [await world.an_item() for _ in range(10)]

    results = await asyncio.gather(
        *(_put(world, item, sprint) for item in items[:5]),
        world.sprints.end(sprint.id, _COMPLETED, None, actor=world.actor),
        *(_put(world, item, sprint) for item in items[5:]),
        return_exceptions=True,
    )

    assert all(not isinstance(one, Exception) or isinstance(one, SprintEnded) for one in results)
    listed = await world.reads.list(
        WorkItemFilter(sprint_id=sprint.id), page_request(None, None, ""), actor=world.actor
    )
    assert listed.items == []


async def test_sprints_integration_burndown_is_exact_day_by_day(world: BoardWorld) -> None:
    await world.a_project()
    first, second, late = [await world.an_item(points=5) for _ in range(3)]
    sprint = await world.a_sprint()
    await _put(world, first, sprint)
    await _put(world, second, sprint)
    await world.sprints.start(sprint.id, actor=world.actor)
    world.clock.advance(_day_seconds)
    await _put(world, late, sprint)
    await world.items.change(second.id, WorkItemChanges(points=8), actor=world.actor)
    world.clock.advance(_day_seconds)
    await _status(world, first, "in_progress", "done")
    world.clock.advance(_day_seconds)
    await world.items.delete(late.id, actor=world.actor)
    await _status(world, first, "todo")

    course = (await world.sprints.burndown(sprint.id, actor=world.actor))[1]

    actual = [day.actual for day in course.days if day.actual]
    assert (course.committed.scope_count, course.committed.scope_points) == (2, 10)
    assert [day.scope_points for day in actual] == [10, 18, 18, 13]
    assert [day.done_points for day in actual] == [0, 0, 5, 0]
    assert len(course.days) == 14

    restored = await world.items.restore(late.id, actor=world.actor)
    assert restored.sprint_id == sprint.id
    course = (await world.sprints.burndown(sprint.id, actor=world.actor))[1]
    assert course.final.scope_points == 18


async def test_sprints_integration_the_report_of_an_ended_sprint_stays_as_it_was(
    world: BoardWorld,
) -> None:
    await world.a_project()
    sprint = await _started(world)
    item = await _put(world, await world.an_item(points=5), sprint)
    await _status(world, item, "in_progress", "done")
    await world.sprints.end(sprint.id, _COMPLETED, None, actor=world.actor)
    before = await world.sprints.burndown(sprint.id, actor=world.actor)

    world.clock.advance(_day_seconds)
    await world.items.change(item.id, WorkItemChanges(points=100), actor=world.actor)
    await world.items.delete(item.id, actor=world.actor)

    assert await world.sprints.burndown(sprint.id, actor=world.actor) == before
    # Its sprint has ended: what comes back now comes back to the backlog.
    assert (await world.items.restore(item.id, actor=world.actor)).sprint_id is None


async def test_sprints_integration_changes_are_checked(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()

    changed = await world.sprints.change(
        sprint.id, SprintChanges(goal="More", name=" Neap  tide "), actor=world.actor
    )

    assert (changed.name, changed.goal, changed.version) == ("Neap tide", "More", 2)
    with pytest.raises(SprintChanged):
        await world.sprints.change(
            sprint.id, SprintChanges(name="x"), Expected(version=1), actor=world.actor
        )
    with pytest.raises(SprintDatesReversed):
        await world.sprints.change(
            sprint.id, SprintChanges(end_date=date(2000, 1, 1)), actor=world.actor
        )
    same = await world.sprints.change(sprint.id, SprintChanges(goal="More"), actor=world.actor)
    assert same.version == 2


async def test_sprints_integration_delete_is_for_those_without_items(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    item = await _put(world, await world.an_item(), sprint)

    with pytest.raises(SprintHoldsItems):
        await world.sprints.delete(sprint.id, actor=world.actor)
    await _put(world, item, None)
    await world.sprints.delete(sprint.id, actor=world.actor)

    with pytest.raises(SprintNotFound):
        await world.sprints.get(sprint.id, actor=world.actor)
    assert (await world.fact_types())[-1] == "SprintDeleted"


async def test_sprints_integration_of_other_tenants_do_not_exist(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    stranger = world.an_actor(await a_tenant(world.stores))

    for ask in (
        world.sprints.get(sprint.id, actor=stranger),
        world.sprints.start(sprint.id, actor=stranger),
        world.sprints.burndown(sprint.id, actor=stranger),
    ):
        with pytest.raises(SprintNotFound):
            await ask


async def test_sprints_integration_are_listed_by_their_start(world: BoardWorld) -> None:
    await world.a_project()
    for month in (2, 3, 1):
        await world.a_sprint(
            f"Month {month}", start_date=date(2026, month, 1), end_date=date(2026, month, 14)
        )
    await world.sprints.end(
        (await world.a_sprint("Gone", start_date=date(2025, 1, 1), end_date=date(2025, 1, 2))).id,
        _CANCELLED,
        None,
        actor=world.actor,
    )

    first = await world.sprints.list(
        "TM", page_request(2, None, "s"), status=None, actor=world.actor
    )
    second = await world.sprints.list(
        "TM", page_request(2, first.next_cursor, "s"), status=None, actor=world.actor
    )
    gone = await world.sprints.list(
        "TM", page_request(2, None, "s"), status=_CANCELLED, actor=world.actor
    )

    assert [sprint.name for sprint in first.items] == ["Month 3", "Month 2"]
    assert [sprint.name for sprint in second.items] == ["Month 1", "Gone"]
    assert [sprint.name for sprint in gone.items] == ["Gone"]


async def test_sprints_integration_end_while_their_items_are_done(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await _started(world)
    items = [await world.an_item(points=1, sprint=sprint.id) for _ in range(12)]

    ending, _ = await asyncio.gather(
        world.sprints.end(sprint.id, _COMPLETED, None, actor=world.actor),
        asyncio.gather(*(_status(world, item, "in_progress", "done") for item in items)),
    )

    course = (await world.sprints.burndown(sprint.id, actor=world.actor))[1]
    listed = await world.reads.list(
        WorkItemFilter(sprint_id=sprint.id), page_request(None, None, ""), actor=world.actor
    )
    assert course.final.scope_count == len(items)
    assert course.final.done_count == len(listed.items) == len(items) - ending.carried_over


async def test_sprints_integration_narrow_lists_by_filters(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    planned, closed = [await world.an_item(sprint=sprint.id) for _ in range(2)]
    await world.an_item()
    await _status(world, closed, "cancelled")

    found = await world.listing.list(
        Selection(parameters=WorkItemFilter(sprint_id=sprint.id), filter=parse("is:open")),
        page_request(None, None, ""),
        actor=world.actor,
    )

    assert [item.key for item in found.items] == [planned.key]


async def test_sprints_integration_of_archived_projects_stay_as_they_are(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    sprint = await _started(world)
    await world.an_item(sprint=sprint.id)
    await world.projects.change(
        project.id,
        ProjectChanges(status=ProjectStatus.ARCHIVED),
        ANY_VERSION,
        actor=world.actor,
    )

    for refused in (
        world.sprints.change(sprint.id, SprintChanges(name="x"), actor=world.actor),
        world.sprints.end(sprint.id, _COMPLETED, None, actor=world.actor),
        world.sprints.delete(sprint.id, actor=world.actor),
    ):
        with pytest.raises(ProjectIsArchived):
            await refused
    assert await world.sprints.get(sprint.id, actor=world.actor) == sprint

    await world.projects.delete(project.id, actor=world.actor)
    with pytest.raises(SprintNotFound):
        await world.sprints.get(sprint.id, actor=world.actor)

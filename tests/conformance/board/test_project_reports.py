"""What reports say of a project's past, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.project_reports.service import Period
from tidemill.board.sprint_errors import InvalidReportPeriod
from tidemill.board.sprints.burndown import day_of
from tidemill.board.sprints.models import SprintStatus
from tidemill.board.work_items.models import WorkItem, WorkItemChanges
from tidemill.board.workflows.models import Category

pytestmark = pytest.mark.anyio
_day_seconds = 86_400
_UTC = ZoneInfo("UTC")


async def _status(world: BoardWorld, item: WorkItem, *statuses: str) -> None:
    for status in statuses:
        await world.items.change(item.id, WorkItemChanges(status=status), actor=world.actor)


async def _a_past(world: BoardWorld) -> None:
    """Day 0: two items; day 1: one is begun; day 3: it is done, and the other is deleted."""
    await world.a_project()
    done, deleted = await world.an_item(), await world.an_item(status="todo")
    world.clock.advance(_day_seconds)
    await _status(world, done, "in_progress")
    world.clock.advance(2 * _day_seconds)
    await _status(world, done, "done")
    await world.items.delete(deleted.id, actor=world.actor)


async def test_cumulative_flow_integration_follows_history(world: BoardWorld) -> None:
    await _a_past(world)
    today = day_of(world.clock.now(), _UTC)
    period = Period(today - timedelta(days=4), today)

    days = await world.reports.cumulative_flow("TM", period, actor=world.actor)

    counts = [
        [
            day.counts[each]
            for each in (Category.BACKLOG, Category.UNSTARTED, Category.STARTED, Category.DONE)
        ]
        for day in days
    ]
    assert counts == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    # Of what nobody touched in the period the present is all that is read.
    [last] = await world.reports.cumulative_flow("TM", Period(today, today), actor=world.actor)
    assert last == days[-1]


async def test_flow_integration_measures_lead_and_cycle_time(world: BoardWorld) -> None:
    await _a_past(world)

    flow = await world.reports.flow("TM", Period(), actor=world.actor)

    assert (flow.lead.count, flow.cycle.count) == (1, 1)
    assert flow.lead.seconds[50] == pytest.approx(3 * _day_seconds, abs=60)
    assert flow.cycle.seconds[50] == pytest.approx(2 * _day_seconds, abs=60)
    assert [count for _, count in flow.throughput][-2:] == [0, 1]
    assert len(flow.throughput) == 30


async def test_forecast_integration_is_the_same_for_the_same_seed(world: BoardWorld) -> None:
    await _a_past(world)
    await world.an_item()
    today = day_of(world.clock.now(), _UTC)
    period = Period(today - timedelta(days=3), today)

    found = [
        await world.reports.forecast("TM", period, items=None, seed=5, actor=world.actor)
        for _ in range(2)
    ]

    assert found[0] == found[1]
    assert (found[0].items, found[0].done_in_the_past) == (1, 1)
    assert found[0].dates[95] is not None


async def test_forecast_integration_takes_no_day_before_the_project_for_an_idle_one(
    world: BoardWorld,
) -> None:
    await _a_past(world)
    today = day_of(world.clock.now(), _UTC)

    month, life = [
        await world.reports.forecast("TM", period, items=10, seed=5, actor=world.actor)
        for period in (Period(), Period(today - timedelta(days=3), today))
    ]

    assert month == life


async def test_velocity_integration_is_that_of_completed_sprints(world: BoardWorld) -> None:
    await world.a_project()
    for points in (3, 5):
        sprint = await world.a_sprint(f"Sprint {points}")
        item = await world.an_item(points=points, sprint=sprint.id)
        await world.sprints.start(sprint.id, actor=world.actor)
        await _status(world, item, "in_progress", "done")
        await world.sprints.end(sprint.id, SprintStatus.COMPLETED, None, actor=world.actor)
        world.clock.advance(60)
    cancelled = await world.a_sprint("Cancelled")
    await world.sprints.end(cancelled.id, SprintStatus.CANCELLED, None, actor=world.actor)

    found = await world.reports.velocity("TM", sprints=8, actor=world.actor)
    last = await world.reports.velocity("TM", sprints=1, actor=world.actor)

    assert [sprint.name for sprint in found.sprints] == ["Sprint 3", "Sprint 5"]
    assert found.points is not None
    assert (found.points.mean, found.points.deviation) == (4, 1.41)
    assert [sprint.name for sprint in last.sprints] == ["Sprint 5"]


async def test_reports_integration_refuse_periods_that_cannot_be(world: BoardWorld) -> None:
    await world.a_project()
    today = day_of(world.clock.now(), _UTC)

    for period in (
        Period(today, today - timedelta(days=1)),
        Period(today - timedelta(days=400), today),
        Period(None, date(1, 1, 1)),
        Period(date(1, 1, 1), date(1, 1, 2)),
    ):
        with pytest.raises(InvalidReportPeriod):
            await world.reports.flow("TM", period, actor=world.actor)

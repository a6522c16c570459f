"""Timers on a file, in a schema and in a shared schema: one runs for each person."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import ProjectIsArchived, WorkItemNotFound
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.time_entries.service import TimeEntryService
from tidemill.board.time_errors import NoTimerRunning, TimeEntryNotFound, TimerRuns
from tidemill.board.time_tracking.models import TimeEntryChanges, TimeEntryFilter
from tidemill.board.time_tracking.spans import Times
from tidemill.board.versions import ANY_VERSION
from tidemill.core.pages import page_request

pytestmark = pytest.mark.anyio


async def facts(world: BoardWorld, type_: str) -> list[dict[str, Any]]:
    rows = await world.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = :type ORDER BY seq",
        type=type_,
    )
    return [msgspec.json.decode(row[0]) for row in rows]


async def all_entries(entries: TimeEntryService, world: BoardWorld) -> list[Any]:
    found = await entries.list(TimeEntryFilter(), page_request(200, None), actor=world.actor)
    return found.items


async def test_timers_integration_starting_one_stops_the_other_and_says_so(
    world: BoardWorld,
) -> None:
    """R012: TimeEntry; answer and fact name the entry that was stopped."""
    await world.a_project()
    await world.a_project("SE")
    first, second = await world.an_item(), await world.an_item(project="SE")

    begun = await world.timers.start(first.key, "reading", actor=world.actor)
    world.clock.advance(90)
    other = await world.timers.start(second.id, actor=world.actor)

    assert begun.stopped is None
    assert other.stopped is not None
    assert (other.stopped.id, other.stopped.version) == (begun.entry.id, 2)
    # The clock goes on meanwhile.
    assert (other.stopped.span.seconds or 0) >= 90
    running = await world.timers.running(actor=world.actor)
    assert running is not None
    assert (running.id, running.item_key, running.ended_at) == (other.entry.id, "SE-1", None)
    assert running.started_at % 1_000_000 == 0
    told = await facts(world, "TimerStarted")
    assert [fact["stopped_entry"] and fact["stopped_entry"]["id"] for fact in told] == [
        None,
        begun.entry.id,
    ]
    [topics] = await world.rows(
        "SELECT topics FROM stream WHERE tenant_id = :tenant_id AND type = 'TimerStarted' "
        "ORDER BY seq DESC LIMIT 1"
    )
    for wanted in (first.id, first.project_id, second.id, second.project_id, world.actor.id):
        assert wanted in topics[0]

    world.clock.advance(30)
    ended = await world.timers.stop(actor=world.actor)
    assert (ended.entry.span.seconds or 0) >= 30
    assert await world.timers.running(actor=world.actor) is None
    with pytest.raises(NoTimerRunning):
        await world.timers.stop(actor=world.actor)
    assert (await world.fact_types())[-3:] == ["TimerStarted", "TimerStarted", "TimerStopped"]
    assert (await world.audit_actions())[-3:] == [
        "board.timers.start",
        "board.timers.start",
        "board.timers.stop",
    ]


@pytest.mark.each_database(reason="transactions race")
async def test_timers_integration_of_racing_starts_one_runs(world: BoardWorld) -> None:
    """Every start but the first stops exactly one other, whatever order they come in."""
    await world.a_project()
    item = await world.an_item()
    count = 12

    started = await asyncio.gather(
        *(world.timers.start(item.id, f"{n}", actor=world.actor) for n in range(count))
    )

    entries = await all_entries(world.time_entries, world)
    running = [entry.id for entry in entries if entry.ended_at is None]
    stopped = [each.stopped.id for each in started if each.stopped is not None]
    assert len(entries) == count
    assert len(running) == 1
    assert sorted(stopped) == sorted(entry.id for entry in entries if entry.ended_at is not None)
    assert len(set(stopped)) == count - 1

    raced = await asyncio.gather(
        *(world.timers.stop(actor=world.actor) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, NoTimerRunning) for each in raced) == 3


async def test_timers_integration_of_two_people_do_not_meet(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    other = world.an_actor()

    await world.timers.start(item.id, actor=world.actor)
    begun = await world.timers.start(item.id, actor=other)
    await world.timers.discard(actor=other)

    assert begun.stopped is None
    assert await world.timers.running(actor=other) is None
    assert await world.timers.running(actor=world.actor) is not None
    with pytest.raises(TimeEntryNotFound):
        await world.time_entries.get(begun.entry.id, actor=other)
    assert (await world.fact_types())[-1] == "TimeEntryDeleted"
    # What was discarded stands in nobody's way.
    assert (await world.timers.start(item.id, actor=other)).stopped is None


async def test_timers_integration_that_were_forgotten_count_a_day(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    begun = await world.timers.start(item.id, actor=world.actor)
    entry_id = begun.entry.id
    with pytest.raises(TimerRuns) as refused:
        await world.time_entries.change(
            entry_id, TimeEntryChanges(times=Times(ended_at=1)), actor=world.actor
        )
    earlier = begun.entry.started_at // 1_000_000 - 600
    moved = await world.time_entries.change(
        entry_id, TimeEntryChanges(times=Times(started_at=earlier)), actor=world.actor
    )
    world.clock.advance(3 * 86_400)
    await world.projects.change(
        "TM", ProjectChanges(status=ProjectStatus.ARCHIVED), ANY_VERSION, actor=world.actor
    )

    with pytest.raises(ProjectIsArchived):
        await world.timers.start(item.id, actor=world.actor)
    ended = await world.timers.stop(actor=world.actor)

    assert refused.value.param == "ended_at"
    assert (moved.entry.version, moved.entry.started_at // 1_000_000) == (2, earlier)
    assert ended.entry.span.seconds == 86_400
    with pytest.raises(WorkItemNotFound):
        await world.timers.start("TM-99", actor=world.actor)

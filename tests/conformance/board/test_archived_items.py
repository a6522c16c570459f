"""What it promises to archive items."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.dependencies.models import DependencyFilter
from tidemill.board.errors import NullNotAllowed, WorkItemIsArchived
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import UTC, Selection
from tidemill.board.project_reports.service import Period
from tidemill.board.sprints.models import SprintStatus
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio


async def _archive(world: BoardWorld, key: str, *, archived: bool = True) -> WorkItem:
    return await world.items.change(key, WorkItemChanges(archived=archived), actor=world.actor)


async def _keys(world: BoardWorld, text: str) -> list[str]:
    wanted = Selection(parameters=WorkItemFilter(), filter=parse(text), zone=UTC)
    found = await world.listing.list(wanted, PageRequest(), actor=world.actor)
    return [item.key for item in found.items]


async def test_archived_items_integration_leave_lists_and_searches_and_come_back(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    for title in ("Dredge", "Dredge again", "Sail"):
        await world.an_item(title=title)
    before = len(await world.fact_types())

    archived = await _archive(world, "TM-2")
    again = await _archive(world, "TM-2")

    assert (archived.archived_at, archived.version) == (archived.updated_at, 2)
    assert again == archived == await world.reads.get("TM-2", actor=world.actor)
    assert (await world.fact_types())[before:] == ["WorkItemUpdated"]
    assert (await world.audit_actions())[-1] == "board.work_items.update"
    activity = await world.reads.activity("TM-2", PageRequest(), actor=world.actor)
    assert (activity.items[0].field, activity.items[0].new_value) == ("archived", "yes")
    for wanted in (WorkItemFilter(), WorkItemFilter(project_id=project.id)):
        found = await world.reads.list(wanted, PageRequest(), actor=world.actor)
        assert [item.key for item in found.items] == ["TM-3", "TM-1"]
    expected = {
        "project:TM": ["TM-3", "TM-1"],
        "is:archived": ["TM-2"],
        "project:TM (is:open OR is:archived)": ["TM-3", "TM-2", "TM-1"],
        "is:open,archived -is:archived": ["TM-3", "TM-1"],
        "Dredge is:archived": ["TM-2"],
        "Dredge": ["TM-1"],
    }
    assert {text: await _keys(world, text) for text in expected} == expected
    for text, keys in {"": ["TM-1"], "is:archived": ["TM-2"]}.items():
        wanted_text = Selection(parameters=WorkItemFilter(), filter=parse(text), zone=UTC)
        hits = await world.searches.find("Dredge", wanted_text, limit=9, actor=world.actor)
        assert [hit.key for _, hit in hits.hits] == keys

    back = await _archive(world, "TM-2", archived=False)

    assert (back.archived_at, back.version) == (None, 3)
    assert await _keys(world, "project:TM") == ["TM-3", "TM-2", "TM-1"]
    with pytest.raises(NullNotAllowed):
        await world.items.change("TM-2", WorkItemChanges(archived=None), actor=world.actor)


async def test_archived_items_integration_change_no_more_and_count_as_before(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    sprint = await world.a_sprint()
    next_sprint = await world.a_sprint("Neap tide")
    await world.an_item("story", sprint=sprint.id, points=3)
    for title in ("Other", "Third"):
        await world.an_item(title=title)
    comment = await world.a_comment()
    await world.a_link("TM-1", "TM-2")
    await world.timers.start("TM-1", None, actor=world.actor)
    await world.sprints.start(sprint.id, actor=world.actor)
    flow = await world.reports.cumulative_flow("TM", Period(), actor=world.actor)
    await _archive(world, "TM-1")

    refused: list[Awaitable[object]] = [
        world.items.change("TM-1", WorkItemChanges(title="New"), actor=world.actor),
        world.items.delete("TM-1", actor=world.actor),
        world.an_item(parent="TM-1"),
        world.a_comment(),
        world.comments.edit(comment.id, "Better", actor=world.actor),
        world.a_link("TM-3", "TM-1"),
        world.timers.start("TM-1", None, actor=world.actor),
        world.transfers.transfer("TM-1", NewTransfer(project="SEA"), actor=world.actor),
    ]
    for attempt in refused:
        with pytest.raises(WorkItemIsArchived):
            await attempt
    await world.timers.stop(actor=world.actor)
    assert (await world.reads.get("TM-2", actor=world.actor)).is_blocked
    assert flow == await world.reports.cumulative_flow("TM", Period(), actor=world.actor)
    ending = await world.sprints.end(
        sprint.id, SprintStatus.COMPLETED, next_sprint.id, actor=world.actor
    )
    assert ending.carried_over == 0
    assert (await world.reads.get("TM-1", actor=world.actor)).sprint_id == sprint.id
    both = await _archive(world, "TM-2")
    links = await world.dependencies.list(
        DependencyFilter(project_id=both.project_id), PageRequest(), actor=world.actor
    )
    with pytest.raises(WorkItemIsArchived):
        await world.dependencies.delete(links.items[0].id, actor=world.actor)


async def test_archived_items_integration_come_out_of_a_sprint_that_ended_meanwhile(
    world: BoardWorld,
) -> None:
    """Else what is left to do would lie neither in the backlog nor in a sprint that runs."""
    await world.a_project()
    sprint = await world.a_sprint()
    for status in ("todo", "done"):
        await world.an_item(sprint=sprint.id, status=status)
    for key in ("TM-1", "TM-2"):
        await _archive(world, key)
    running = await _archive(world, "TM-1", archived=False)
    await _archive(world, "TM-1")
    await world.sprints.start(sprint.id, actor=world.actor)
    await world.sprints.end(sprint.id, SprintStatus.COMPLETED, None, actor=world.actor)

    unfinished = await _archive(world, "TM-1", archived=False)
    finished = await _archive(world, "TM-2", archived=False)

    assert running.sprint_id == sprint.id
    assert (unfinished.sprint_id, unfinished.sprint_name) == (None, None)
    assert finished.sprint_id == sprint.id
    activity = await world.reads.activity("TM-1", PageRequest(limit=2), actor=world.actor)
    assert [one.field for one in activity.items] == ["archived", "sprint_id"]

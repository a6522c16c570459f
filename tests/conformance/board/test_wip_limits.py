"""Limits of work in progress on every kind of store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.board_errors import InvalidBoardSettings, WipLimitReached
from tidemill.board.board_settings.models import (
    BoardColumn,
    BoardSettings,
    LaneField,
    Limit,
    LimitMode,
    Rules,
)
from tidemill.board.boards.models import Board, Wanted
from tidemill.board.errors import ProjectIsArchived
from tidemill.board.filters.parsing import parse
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


def _at_most(items_max: int) -> Limit:
    return Limit(items_max=items_max, mode=LimitMode.ENFORCE)


def _doing(limit: Limit) -> tuple[BoardColumn, ...]:
    return (
        BoardColumn(statuses=("todo",)),
        BoardColumn(statuses=("in_progress", "review"), name="Doing", limit=limit),
    )


async def _put(world: BoardWorld, if_match: int | None = None, **rules: Any) -> BoardSettings:
    return await world.board_settings.put(
        "TM", Rules(**rules), if_match=if_match, actor=world.actor
    )


async def _board(world: BoardWorld, **wanted: Any) -> Board:
    return await world.boards.read("TM", Wanted(**wanted), actor=world.actor)


async def _change(world: BoardWorld, key: str, **changes: Any) -> None:
    await world.items.change(key, WorkItemChanges(**changes), actor=world.actor)


async def test_put_integration_keeps_tells_and_audits_what_holds(world: BoardWorld) -> None:
    await world.a_project()
    assert (await world.board_settings.get("TM", actor=world.actor)).version == 0

    made = await _put(world, columns=_doing(_at_most(3)), lane_field=LaneField.EPIC)

    assert await world.board_settings.get("tm", actor=world.actor) == made
    assert (await world.fact_types())[-1] == "BoardSettingsChanged"
    assert (await world.audit_actions())[-1] == "board.board_settings.update"
    again = await _put(world, 1, columns=_doing(_at_most(3)), lane_field=LaneField.EPIC)
    assert again == made
    with pytest.raises(VersionChanged):
        await _put(world, 0)
    assert (await _put(world, 1)).rules == Rules()
    with pytest.raises(InvalidBoardSettings, match="nowhere is no status"):
        await _put(world, columns=(BoardColumn(statuses=("nowhere",)),))
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("TM", archived, ANY_VERSION, actor=world.actor)
    with pytest.raises(ProjectIsArchived):
        await _put(world, columns=_doing(_at_most(3)))


async def test_warn_integration_shows_what_is_over(world: BoardWorld) -> None:
    await world.a_project()
    ada = await world.a_person("Ada")
    for _ in range(2):
        await world.an_item(status="in_progress", assignee_id=ada, priority=Priority.HIGH)
    one = Limit(items_max=1)
    await _put(
        world,
        columns=_doing(one),
        lane_field=LaneField.PRIORITY,
        lane_limit=one,
        person_limit=Limit(items_max=2),
    )

    # What a filter hides counts as well.
    board = await _board(world, filter=parse("key:TM-1"))

    todo, doing = board.columns
    assert (todo.load, doing.count) == (None, 1)
    assert doing.load is not None
    assert (doing.load.count, doing.load.is_over) == (2, True)
    lane = board.lanes[0].load
    assert lane is not None
    assert (lane.count, lane.is_over) == (2, True)
    [person] = board.persons
    assert (person.name, person.load.count, person.load.is_over) == ("Ada", 2, False)
    assert (await _board(world, lane="assignee")).lanes[0].load is None


async def test_enforce_integration_refuses_what_would_exceed_a_column(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("SEA")
    for status in ("in_progress", "review", "todo"):
        await world.an_item(status=status)
    await world.an_item(status="review", project="SEA")
    await _put(world, columns=_doing(_at_most(2)))
    facts = await world.fact_types()
    told = "The column Doing takes at most 2 items at once and would have 3"

    with pytest.raises(WipLimitReached, match=told):
        await _change(world, "TM-3", status="in_progress")
    with pytest.raises(WipLimitReached, match=told) as refused:
        await world.an_item(status="review")
    with pytest.raises(WipLimitReached, match=told):
        await world.import_text("title,status\nRow,review\n")
    with pytest.raises(WipLimitReached, match=told):
        await world.transfers.transfer("SEA-1", NewTransfer(project="TM"), actor=world.actor)

    assert refused.value.param == "status"
    assert await world.fact_types() == facts
    # Within a column nothing is added to it, and room that was made is taken.
    await _change(world, "TM-1", status="review")
    await _change(world, "TM-1", archived=True)
    await world.items.delete("TM-2", actor=world.actor)
    await _change(world, "TM-3", status="in_progress")
    await world.an_item(status="review")
    with pytest.raises(WipLimitReached, match=told):
        await _change(world, "TM-1", archived=False)
    with pytest.raises(WipLimitReached, match=told):
        await world.items.restore("TM-2", actor=world.actor)


async def test_enforce_integration_leaves_alone_what_is_over_already(world: BoardWorld) -> None:
    await world.a_project()
    for _ in range(3):
        await world.an_item(status="in_progress")
    await _put(world, columns=_doing(_at_most(1)))

    await _change(world, "TM-1", title="Still there")
    await _change(world, "TM-1", status="done")
    with pytest.raises(WipLimitReached):
        await _change(world, "TM-1", status="in_progress")
    await _put(world, columns=_doing(Limit(items_max=1)))
    await _change(world, "TM-1", status="in_progress")


async def test_enforce_integration_holds_for_people_and_lanes(world: BoardWorld) -> None:
    await world.a_project()
    ada, bob = await world.a_person("Ada"), await world.a_person("Bob")
    await world.an_item(status="in_progress", assignee_id=ada, priority=Priority.HIGH)
    await world.an_item(status="todo", assignee_id=ada)
    await world.an_item(status="in_progress", assignee_id=bob)
    await _put(
        world,
        lane_field=LaneField.PRIORITY,
        lane_limit=_at_most(2),
        person_limit=_at_most(1),
    )

    with pytest.raises(WipLimitReached, match="Ada takes at most 1"):
        await _change(world, "TM-2", status="in_progress")
    with pytest.raises(WipLimitReached, match="Ada takes at most 1") as refused:
        await _change(world, "TM-3", assignee_id=ada)
    assert refused.value.param == "assignee_id"
    await _change(world, "TM-3", priority=Priority.HIGH)
    with pytest.raises(WipLimitReached, match="The lane High takes at most 2"):
        await world.an_item(status="review", priority=Priority.HIGH)
    await world.an_item(status="todo", priority=Priority.HIGH)


@pytest.mark.parametrize("field", [LaneField.EPIC, LaneField.LABEL])
async def test_enforce_integration_knows_epics_and_labels(
    world: BoardWorld, field: LaneField
) -> None:
    await world.a_project()
    label = await world.a_label("tides")
    await world.an_item("epic", title="Harbour", status="todo")
    await world.an_item("story", parent="TM-1", status="todo", labels=(label.id,))
    await world.an_item(parent="TM-2", status="in_progress", labels=(label.id,))
    await world.an_item("bug", status="in_progress")
    await _put(world, lane_field=field, lane_limit=_at_most(1))
    name = "TM-1" if field is LaneField.EPIC else "tides"
    into: dict[str, Any] = {"parent": "TM-1"} if field is LaneField.EPIC else {"labels": ("tides",)}

    with pytest.raises(WipLimitReached, match=f"The lane {name} takes"):
        await _change(world, "TM-2", status="in_progress")
    with pytest.raises(WipLimitReached, match=f"The lane {name} takes"):
        await _change(world, "TM-4", **into)
    await _change(world, "TM-3", title="Still there")


@pytest.mark.each_database(reason="transactions race")
async def test_enforce_integration_holds_when_many_move_at_once(world: BoardWorld) -> None:
    await world.a_project()
    for _ in range(8):
        await world.an_item(status="todo")
    await _put(world, columns=_doing(_at_most(3)))
    moves = [_change(world, f"TM-{n}", status="in_progress") for n in range(1, 9)]
    new = [world.an_item(status="review") for _ in range(4)]

    done = await asyncio.gather(*moves, *new, return_exceptions=True)

    refused = [one for one in done if isinstance(one, WipLimitReached)]
    assert len(done) - len(refused) == 3, done
    load = (await _board(world)).columns[1].load
    assert load is not None
    assert (load.count, load.is_over) == (3, False)

"""Whole boards on every kind of store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.board_errors import BoardColumnNotFound
from tidemill.board.board_settings.models import BoardColumn, LaneField, Rules
from tidemill.board.boards.models import Board, Cell, Wanted
from tidemill.board.boards.service import Place
from tidemill.board.errors import ProjectNotFound
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.sprint_errors import SprintNotFound
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.core.pages import InvalidCursor
from tidemill.core.ports import Tx
from tidemill.infrastructure.database.postgres.tx import PostgresTx
from tidemill.infrastructure.database.sqlite.tx import SqliteTx

pytestmark = pytest.mark.anyio


async def _board(world: BoardWorld, project: str = "TM", **wanted: Any) -> Board:
    if "filter" in wanted:
        wanted["filter"] = parse(wanted["filter"])
    return await world.boards.read(project, Wanted(**wanted), actor=world.actor)


async def _rules(world: BoardWorld, **rules: Any) -> None:
    await world.board_settings.put("TM", Rules(**rules), if_match=None, actor=world.actor)


def _titles(cell: Cell | None) -> list[str]:
    assert cell is not None
    return [card.title for card in cell.cards]


def _columns(board: Board) -> dict[str, list[str]]:
    return {column.shown.key: _titles(column.cell) for column in board.columns if column.count}


def _lanes(board: Board) -> dict[str | None, dict[str, list[str]]]:
    return {
        lane.name: {cell.column: _titles(cell) for cell in lane.cells if cell.count}
        for lane in board.lanes
    }


async def _walk(world: BoardWorld, place: Place, **wanted: Any) -> list[str]:
    if "filter" in wanted:
        wanted["filter"] = parse(wanted["filter"])
    titles: list[str] = []
    cursor = place.cursor
    for _ in range(9):
        part = Place(status=place.status, lane=place.lane, limit=2, cursor=cursor)
        found = await world.boards.cell("TM", part, Wanted(**wanted), actor=world.actor)
        titles += [card.title for card in found.page.items]
        cursor = found.page.next_cursor
        if cursor is None:
            return titles
    raise AssertionError(titles)


async def test_read_integration_shows_columns_in_the_order_of_ranks(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("SEA")
    for title in ("a", "b", "c", "d", "e"):
        await world.an_item(title=title, status="todo", description="Long")
    await world.an_item(title="x", status="done")
    await world.an_item(title="gone", status="todo")
    await world.items.delete("TM-7", actor=world.actor)
    await world.an_item(title="elsewhere", status="todo", project="SEA")
    await world.items.change("TM-5", WorkItemChanges(after=None), actor=world.actor)
    await world.an_item(title="kept", status="todo")
    await world.items.change("TM-8", WorkItemChanges(archived=True), actor=world.actor)

    board = await _board(world, per_cell=2)

    assert _columns(board) == {"todo": ["e", "a"], "done": ["x"]}
    assert _columns(await _board(world, filter="is:archived")) == {"todo": ["kept"]}
    assert [column.shown.name for column in board.columns][:3] == ["Backlog", "Todo", "In progress"]
    assert [(one.shown.key, one.count) for one in board.columns if one.count] == [
        ("todo", 5),
        ("done", 1),
    ]
    todo = board.columns[1].cell
    assert todo is not None
    rest = Place(status="todo", cursor=todo.next_cursor)
    assert await _walk(world, rest) == ["b", "c", "d"]
    assert board.columns[5].cell is not None
    assert board.columns[5].cell.next_cursor is None
    with pytest.raises(InvalidCursor):
        await _walk(world, Place(status="done", cursor=todo.next_cursor))
    with pytest.raises(InvalidCursor):
        await _walk(world, rest, filter="is:open")
    with pytest.raises(BoardColumnNotFound):
        await _walk(world, Place(status="nowhere"))
    with pytest.raises(ProjectNotFound):
        await _board(world, "NO")
    with pytest.raises(InvalidFilter):
        await _board(world, filter="sort:due")


async def test_read_integration_lets_statuses_share_a_column(world: BoardWorld) -> None:
    await world.a_project()
    for title, status in (("a", "review"), ("b", "in_progress"), ("c", "review"), ("d", "blocked")):
        await world.an_item(title=title, status=status)
    await _rules(
        world,
        columns=(
            BoardColumn(statuses=("in_progress", "review"), name="Doing"),
            BoardColumn(statuses=("todo",)),
        ),
    )

    board = await _board(world, per_cell=2)

    assert [(one.shown.key, one.shown.name, one.count) for one in board.columns] == [
        ("in_progress", "Doing", 3),
        ("todo", "Todo", 0),
    ]
    assert _columns(board) == {"in_progress": ["a", "b"]}
    assert board.statuses_left_out == {"blocked": 1}
    doing = board.columns[0].cell
    assert doing is not None
    # Any status of a column names it.
    assert await _walk(world, Place(status="review", cursor=doing.next_cursor)) == ["c"]
    assert await _walk(world, Place(status="in_progress")) == ["a", "b", "c"]


async def test_read_integration_takes_filter_and_sprint(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    blocker = await world.an_item(title="tide tables", status="todo", priority=Priority.HIGH)
    await world.an_item("bug", title="leak", status="todo", sprint=sprint.id, labels=())
    await world.a_label("tides")
    await world.items.change("TM-2", WorkItemChanges(add_labels=("tides",)), actor=world.actor)
    await world.a_link(blocker.id, "TM-2")

    high = await _board(world, filter='priority:high "tide"')
    planned = await _board(world, sprint=sprint.id)
    active = await _board(world, sprint="active")

    assert _columns(high) == {"todo": ["tide tables"]}
    assert _columns(planned) == {"todo": ["leak"]}
    assert _columns(active) == {}
    cell = planned.columns[1].cell
    assert cell is not None
    card = cell.cards[0]
    assert (card.sprint_name, card.is_blocked) == ("Spring tide", True)
    assert [label.name for label in card.labels] == ["tides"]
    assert await _walk(world, Place(status="todo"), filter="type:bug") == ["leak"]
    with pytest.raises(SprintNotFound):
        await _board(world, sprint="nowhere")


async def test_read_integration_finds_its_own_sprint_among_those_of_many_projects(
    world: BoardWorld,
) -> None:
    await world.a_project("SEA")
    other = await world.a_sprint("High water", project="SEA")
    await world.a_project()
    own = await world.a_sprint("Low water")
    await world.an_item(title="sound", status="todo", sprint=own.id)
    for sprint in (other, own):
        await world.sprints.start(sprint.id, actor=world.actor)

    for named in ("active", "low water", own.id):
        assert _columns(await _board(world, sprint=named)) == {"todo": ["sound"]}
    for unknown in ("High water", other.id):
        with pytest.raises(SprintNotFound):
            await _board(world, sprint=unknown)


async def test_read_integration_cuts_by_every_field(world: BoardWorld) -> None:
    await world.a_project()
    sprint = await world.a_sprint()
    tides, gauges = await world.a_label("tides"), await world.a_label("gauges")
    gone = await world.a_label("gone")
    ada = await world.a_person("Ada")
    await world.an_item("epic", title="epic", status="todo", priority=Priority.LOW)
    await world.an_item("story", title="story", parent="TM-1", status="todo")
    given: dict[str, Any] = {"assignee_id": ada, "sprint": sprint.id}
    await world.an_item(
        title="task", parent="TM-2", labels=(tides.id, gauges.id), status="todo", **given
    )
    await world.an_item("bug", title="bug", status="review", labels=(gone.id,))
    await world.labels.delete(gone.id, ANY_VERSION, actor=world.actor)

    expected: dict[LaneField, dict[str | None, dict[str, list[str]]]] = {
        LaneField.ASSIGNEE: {
            "Ada": {"todo": ["task"]},
            None: {"todo": ["epic", "story"], "review": ["bug"]},
        },
        LaneField.PRIORITY: {
            "Medium": {"todo": ["story", "task"], "review": ["bug"]},
            "Low": {"todo": ["epic"]},
        },
        LaneField.ITEM_TYPE: {
            "Epic": {"todo": ["epic"]},
            "Story": {"todo": ["story"]},
            "Task": {"todo": ["task"]},
            "Bug": {"review": ["bug"]},
        },
        LaneField.PARENT: {
            "epic": {"todo": ["story"]},
            "story": {"todo": ["task"]},
            None: {"todo": ["epic"], "review": ["bug"]},
        },
        LaneField.EPIC: {
            "epic": {"todo": ["epic", "story", "task"]},
            None: {"review": ["bug"]},
        },
        LaneField.SPRINT: {
            "Spring tide": {"todo": ["task"]},
            None: {"todo": ["epic", "story"], "review": ["bug"]},
        },
        LaneField.LABEL: {
            "gauges": {"todo": ["task"]},
            "tides": {"todo": ["task"]},
            None: {"todo": ["epic", "story"], "review": ["bug"]},
        },
    }
    for field in LaneField:
        board = await _board(world, lane=field)

        assert _lanes(board) == expected[field], field
        assert [column.cell for column in board.columns] == [None] * 7
        assert sum(column.count for column in board.columns) == 4, field
        for lane in board.lanes:
            for cell in lane.cells:
                place = Place(status=cell.column, lane=(field, lane.value))
                assert await _walk(world, place) == _titles(cell), (field, lane.name)


async def test_read_integration_shows_the_first_of_each_lane(world: BoardWorld) -> None:
    await world.a_project()
    for title in ("a", "b", "c", "d", "e"):
        await world.an_item(title=title, priority=Priority.HIGH if title in "ace" else Priority.LOW)
    await _rules(world, lane_field=LaneField.PRIORITY)

    board = await _board(world, per_cell=2)
    plain = await _board(world, lane="none")

    assert _lanes(board) == {"High": {"backlog": ["a", "c"]}, "Low": {"backlog": ["b", "d"]}}
    high, low = board.lanes[0].cells[0], board.lanes[1].cells[0]
    assert low.next_cursor is None
    place = Place(status="backlog", lane=(LaneField.PRIORITY, "high"), cursor=high.next_cursor)
    assert await _walk(world, place) == ["e"]
    assert _columns(plain) == {"backlog": ["a", "b", "c", "d", "e"]}


async def test_read_integration_leaves_lanes_out_beyond_the_first(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    people = [await world.a_person(name) for name in ("Cleo", "Ada", "Bob")]
    for place, person in enumerate(people):
        await world.an_item(title=f"t{place}", assignee_id=person)
    await world.an_item(title="t3")
    monkeypatch.setattr("tidemill.board.boards.models.lanes_max", 2)

    board = await _board(world, lane=LaneField.ASSIGNEE)

    assert _lanes(board) == {
        "Ada": {"backlog": ["t1"]},
        "Bob": {"backlog": ["t2"]},
        None: {"backlog": ["t3"]},
    }
    assert board.lanes_left_out == 1
    assert board.columns[0].count == 4


async def test_read_integration_asks_as_often_for_many_columns_as_for_one(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statement for each column, lane or card."""
    await world.a_project()
    asked = _statements(monkeypatch)
    for status in ("todo", "in_progress", "review", "done"):
        await world.an_item(status=status, assignee_id=await world.a_person(status))
    await _rules(world, lane_field=LaneField.ASSIGNEE)
    asked.clear()
    await _board(world)
    many = len(asked)
    await _rules(world, columns=(BoardColumn(statuses=("todo",)),), lane_field=LaneField.ASSIGNEE)
    asked.clear()
    await _board(world)

    assert many == len(asked)
    assert many <= 6, asked


def _statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is asked of a store from now on."""
    asked: list[str] = []

    def counted(usual: Callable[..., Any]) -> Callable[..., Any]:
        def call(tx: Tx, sql: str, /, **parameters: Any) -> Any:
            asked.append(sql)
            return usual(tx, sql, **parameters)

        return call

    for store in (SqliteTx, PostgresTx):
        for name in ("all", "one"):
            monkeypatch.setattr(store, name, counted(getattr(store, name)))
    return asked

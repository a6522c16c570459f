"""Points and days of items, also of imported ones, on every kind of store."""

from __future__ import annotations

from datetime import date

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import DatesOutOfOrder, InvalidPoints
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio
_START, _DUE = date(2026, 3, 1), date(2026, 3, 31)


async def test_item_measures_integration_are_kept_changed_and_cleared(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item(points=0, start_date=_START, due_date=_DUE)

    assert item == await world.reads.get(item.key, actor=world.actor)
    assert (item.points, item.start_date, item.due_date) == (0, "2026-03-01", "2026-03-31")
    cleared = await world.items.change(
        item.key, WorkItemChanges(points=None, due_date=None, title="Dredge"), actor=world.actor
    )
    assert (cleared.points, cleared.start_date, cleared.due_date) == (None, "2026-03-01", None)
    activity = await world.reads.activity(item.key, PageRequest(), actor=world.actor)
    assert [(row.field, row.old_value, row.new_value) for row in activity.items][:2] == [
        ("due_date", "2026-03-31", None),
        ("points", "0", None),
    ]


async def test_item_measures_integration_an_item_is_not_due_before_it_starts(
    world: BoardWorld,
) -> None:
    await world.a_project()
    item = await world.an_item(start_date=_START, due_date=_START)

    with pytest.raises(DatesOutOfOrder):
        await world.an_item(start_date=_DUE, due_date=_START)
    with pytest.raises(DatesOutOfOrder):
        await world.items.change(item.key, WorkItemChanges(start_date=_DUE), actor=world.actor)
    moved = await world.items.change(
        item.key, WorkItemChanges(start_date=_DUE, due_date=_DUE), actor=world.actor
    )
    assert moved.start_date == moved.due_date == "2026-03-31"
    with pytest.raises(InvalidPoints):
        await world.items.change(item.key, WorkItemChanges(points=1001), actor=world.actor)


async def test_item_measures_integration_an_import_reads_them_and_makes_its_labels(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_label("Ebb")

    report = await world.import_text(
        "Summary,Story Points,Start date,Due Date,Labels,Labels\n"
        "Sound,3.0,2026-03-01,31/Mar/26,ebb,gate\n"
        'Dredge,,,,"gate;Flood",\n'
    )

    assert report.rows_created == 2
    sound, dredge = [await world.reads.get(f"TM-{n}", actor=world.actor) for n in (1, 2)]
    assert (sound.points, sound.start_date, sound.due_date) == (3, "2026-03-01", "2026-03-31")
    assert [label.name for label in sound.labels] == ["Ebb", "gate"]
    assert [label.name for label in dredge.labels] == ["Flood", "gate"]
    labels = await world.labels.list(PageRequest(), project="TM", actor=world.actor)
    assert {label.name: label.project_id is None for label in labels.items} == {
        "Ebb": True,
        "Flood": False,
        "gate": False,
    }
    wrong = await world.import_text(
        "title,points,due date,start date,labels\n"
        f"x,0.5,04/03/2026,2026-03-01,{'y' * 51}\n"
        "z,1,2026-01-01,2026-02-01,\n",
        dry_run=True,
    )
    columns = [[problem.column for problem in row.problems] for row in wrong.rows]
    assert columns == [["due date", "points", "labels"], ["due date"]]

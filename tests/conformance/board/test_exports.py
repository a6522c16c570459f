"""What exports promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from datetime import date

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.exports.models import ITEM_COLUMNS, item_row
from tidemill.board.exports.service import ExportService
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.imports.service import ImportOptions
from tidemill.board.limits import BoardLimits
from tidemill.board.time_entries.csv import csv_lines
from tidemill.board.work_items.models import WorkItem

pytestmark = pytest.mark.anyio


async def _exported(world: BoardWorld, project: str, text: str = "") -> list[WorkItem]:
    exports = ExportService(world.stores.tenants, BoardLimits())
    found = await world.projects.get(project, actor=world.actor)
    pages = exports.items(found, parse(text), actor=world.actor)
    return [item async for items in pages for item in items]


async def test_exports_integration_come_in_elsewhere_as_they_were(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("HARB")
    ada = await world.a_person("Ada")
    for name in ("hull", "moon"):
        await world.a_label(name)
    story = await world.an_item("story", title='Paint, "twice"', description="Two\nlines")
    await world.an_item(
        "task",
        title="Scrape",
        parent=story.key,
        assignee_id=ada,
        points=3,
        estimate_seconds=5_400,
        due_date=date(2026, 3, 31),
        labels=("hull", "moon"),
    )
    await world.an_item("bug", project="HARB", title="Elsewhere")
    items = await _exported(world, "TM")

    table = csv_lines([ITEM_COLUMNS, *map(item_row, items)])
    report = await world.imports.import_file("HARB", table, ImportOptions(), actor=world.actor)

    assert [item.key for item in items] == ["TM-2", "TM-1"]
    assert (report.rows_created, report.rows_wrong) == (2, 0)
    came = {item.title: item for item in await _exported(world, "HARB")}
    for item in items:
        copy = came[item.title]
        assert (copy.item_type, copy.status, copy.priority, copy.description) == (
            *(item.item_type, item.status, item.priority, item.description),
        )
        assert (copy.assignee_id, copy.points, copy.estimate_seconds, copy.due_date) == (
            *(item.assignee_id, item.points, item.estimate_seconds, item.due_date),
        )
        assert [one.name for one in copy.labels] == [one.name for one in item.labels]
    assert came["Scrape"].parent_id == came['Paint, "twice"'].id


async def test_exports_integration_hold_each_item_of_a_filter_once(world: BoardWorld) -> None:
    await world.a_project()
    rows = "".join(f"Item {number},{'done' if number % 2 else 'todo'}\n" for number in range(403))
    await world.import_text(f"title,status\n{rows}")

    everything = await _exported(world, "TM")
    todo = await _exported(world, "TM", "status:todo sort:created")

    assert [item.number for item in everything] == list(range(403, 0, -1))
    assert {item.number for item in todo} == set(range(1, 404, 2))
    assert len(todo) == 202
    with pytest.raises(InvalidFilter):
        await _exported(world, "TM", "label:unheard-of sort:nothing")

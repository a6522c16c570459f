"""What imports promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.imports import service
from tidemill.board.imports.models import ImportMode, ImportRejected, ImportStatus, Outcome
from tidemill.board.imports.planning import Plan, plan
from tidemill.board.imports.service import ImportService, rows_at_once_max
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import WorkItemFilter
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio

BACKLOG = '''\
id,title,type,parent,status,assignee,description
3,Sail,task,2,todo,Ada,"Two lines,
and a ""quote"""
2,Race,story,1,in progress,,
1,Season,epic,,,,
'''


async def test_imports_integration_make_items_with_parents_and_assignees(
    world: BoardWorld,
) -> None:
    await world.a_project()
    ada = await world.a_person("Ada")

    report = await world.import_text(BACKLOG)

    assert (report.status, report.rows_created, report.rows_wrong) == (ImportStatus.IMPORTED, 3, 0)
    assert [(row.line, row.key) for row in report.rows] == [
        (2, "TM-1"),
        (4, "TM-2"),
        (5, "TM-3"),
    ]
    sail, race, season = [
        await world.reads.get(key, actor=world.actor) for key in ("TM-1", "TM-2", "TM-3")
    ]
    assert (sail.parent_id, race.parent_id, season.parent_id) == (race.id, season.id, None)
    assert (sail.assignee_id, sail.status, race.status) == (ada, "todo", "in_progress")
    assert sail.description == 'Two lines,\nand a "quote"'
    assert (await world.fact_types()).count("WorkItemCreated") == 3
    assert (await world.audit_actions()).count("board.work_items.import") == 1
    activity = await world.reads.activity("TM-1", PageRequest(), actor=world.actor)
    assert [row.action for row in activity.items] == ["imported"]


async def test_imports_integration_a_repeated_import_changes_nothing(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_person("Ada")
    await world.import_text(BACKLOG)
    await world.items.delete("TM-1", actor=world.actor)

    again = await world.import_text(BACKLOG + "4,Moor,task,2,,,\n")

    assert (again.rows_created, again.rows_already_imported) == (1, 3)
    moor = await world.reads.get("TM-4", actor=world.actor)
    race = await world.reads.get("TM-2", actor=world.actor)
    assert moor.parent_id == race.id


@pytest.mark.each_database(reason="the titles are counted by a statement of each database")
async def test_imports_integration_tell_of_titles_that_were_there_without_an_id(
    world: BoardWorld,
) -> None:
    await world.a_project()
    backlog = "title,external_id\nSail,\nRace,\nMoor,m-1\n"

    first = await world.import_text(backlog)
    checked = await world.import_text(backlog + "Anchor,\n", dry_run=True)
    again = await world.import_text(backlog)

    assert (first.rows_without_id, first.titles_there_already) == (2, 0)
    assert (checked.rows_without_id, checked.titles_there_already) == (3, 2)
    assert (again.rows_created, again.titles_there_already) == (2, 2)


async def test_imports_integration_a_wrong_row_stops_all(world: BoardWorld) -> None:
    await world.a_project()

    with pytest.raises(ImportRejected) as rejected:
        await world.import_text("title,type\nSail,task\nRow,whale\n")

    report = rejected.value.report
    assert [row.outcome for row in report.rows] == [Outcome.NOT_IMPORTED, Outcome.WRONG]
    assert "line 3, type" in rejected.value.message
    items = await world.reads.list(WorkItemFilter(), PageRequest(), actor=world.actor)
    assert items.items == []
    assert (await world.an_item()).key == "TM-1", "a rejected import took numbers"


async def test_imports_integration_valid_rows_go_in_when_asked(world: BoardWorld) -> None:
    await world.a_project()

    report = await world.import_text(
        "title,type\nSail,task\nRow,whale\nDive,bug\n", mode=ImportMode.VALID_ROWS
    )

    assert (report.rows_created, report.rows_wrong) == (2, 1)
    assert [row.key for row in report.rows] == ["TM-1", None, "TM-2"]


async def test_imports_integration_a_dry_run_reports_and_writes_nothing(
    world: BoardWorld,
) -> None:
    await world.a_project()
    facts = await world.fact_types()

    report = await world.import_text("title,type\nSail,task\nRow,whale\n", dry_run=True)

    assert report.status is ImportStatus.CHECKED
    assert [row.outcome for row in report.rows] == [Outcome.VALID, Outcome.WRONG]
    assert await world.fact_types() == facts


@pytest.mark.each_database(reason="transactions race")
async def test_imports_integration_two_at_once_make_each_row_once(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_person("Ada")

    reports = await asyncio.gather(*(world.import_text(BACKLOG) for _ in range(4)))

    assert sum(report.rows_created for report in reports) == 3
    assert sum(report.rows_already_imported for report in reports) == 9


async def test_imports_integration_refuse_projects_that_take_nothing(world: BoardWorld) -> None:
    with pytest.raises(ProjectNotFound):
        await world.import_text("title\nSail\n")
    await world.a_project()
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("TM", archived, ANY_VERSION, actor=world.actor)
    with pytest.raises(ProjectIsArchived):
        await world.import_text("title\nSail\n", dry_run=True)


async def test_imports_integration_take_ten_thousand_rows(world: BoardWorld) -> None:
    await world.a_project()
    rows = "".join(f"{n},Row {n},{'story' if n % 2 else 'task'},\n" for n in range(1, 10_001))

    report = await world.import_text("id,title,type,parent\n" + rows)

    assert report.rows_created == 10_000
    assert (await world.reads.get("TM-10000", actor=world.actor)).title == "Row 10000"


async def test_imports_integration_write_long_files_in_portions(world: BoardWorld) -> None:
    await world.a_project()
    count = 2 * rows_at_once_max + 150
    stories = [f"{number},Story {number},story,{count}" for number in range(1, count)]
    text = "\n".join(["id,title,type,parent", *stories, f"{count},Season,epic,"])

    report = await world.import_text(text)

    assert [row.key for row in report.rows] == [f"TM-{number}" for number in range(1, count + 1)]
    seqs = await world.rows("SELECT seq FROM stream WHERE tenant_id = :tenant_id ORDER BY seq")
    assert [row[0] for row in seqs] == list(range(1, len(seqs) + 1))
    assert (await world.fact_types()).count("WorkItemCreated") == count
    parents = await world.rows(
        "SELECT DISTINCT parent_id FROM work_items WHERE tenant_id = :tenant_id"
    )
    assert {row[0] for row in parents} == {report.rows[-1].id, None}


async def test_imports_integration_plan_beside_the_requests_of_the_process(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    threads = []

    def planned(*arguments: Any) -> Plan:
        threads.append(threading.get_ident())
        return plan(*arguments)

    monkeypatch.setattr(service, "plan", planned)

    await world.import_text(BACKLOG.replace("Ada", ""))
    await world.import_text(BACKLOG.replace("Ada", ""), dry_run=True)

    assert len(threads) == 2
    assert threading.get_ident() not in threads


@pytest.mark.each_database(reason="transactions race")
async def test_imports_integration_plan_again_when_the_project_has_changed_meanwhile(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    text = BACKLOG.replace("Ada", "")
    looked = ImportService._world_of

    def look(imports: ImportService, *arguments: Any) -> Any:
        seen = looked(imports, *arguments)
        assert seen is not None
        # What this import sees is as old as before the first one.
        return structs.replace(seen, by_external_id={})

    await world.import_text(text)
    monkeypatch.setattr(ImportService, "_world_of", look)

    again = await world.import_text(text)

    assert (again.rows_created, again.rows_already_imported) == (0, 3)

"""What imports from other tools promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.comments.models import CommentOrder
from tidemill.board.imports.models import (
    ImportMapping,
    ImportMode,
    ImportRejected,
    ImportReport,
    Outcome,
    Reading,
    SourceFormat,
)
from tidemill.board.imports.service import ImportOptions
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio


def _issue(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "fields": {"summary": key, "issuetype": {"name": "Story"}, **fields}}


def _blocks(key: str) -> dict[str, Any]:
    return {"type": {"name": "Blocks"}, "outwardIssue": {"key": key}}


async def _import(world: BoardWorld, issues: list[dict[str, Any]], **options: Any) -> ImportReport:
    mapping = options.pop("mapping", ImportMapping())
    reading = Reading(format=SourceFormat.JIRA, mapping=mapping)
    return await world.imports.import_file(
        "TM",
        msgspec.json.encode({"issues": issues}),
        ImportOptions(reading=reading, **options),
        actor=world.actor,
    )


async def test_imports_integration_bring_comments_dependencies_and_estimates(
    world: BoardWorld,
) -> None:
    await world.a_project()
    comment = {"author": {"displayName": "Bob"}, "body": "Wet", "created": "2026-01-01"}
    issues = [
        # A key of Jira that could be one of this board.
        _issue(
            "TM-2",
            issuelinks=[_blocks("TM-1"), _blocks("X-9")],
            comment={"comments": [comment]},
            timeoriginalestimate=3600,
            labels=["moon"],
        ),
        _issue("TM-1", issuelinks=[{"type": {"name": "Blocks"}, "inwardIssue": {"key": "TM-2"}}]),
        _issue("TM-3", issuetype={"name": "Sub-task"}, parent={"key": "TM-2"}),
    ]

    report = await _import(world, issues)
    again = await _import(world, issues)

    assert (report.rows_created, report.comments_created, report.dependencies_created) == (3, 1, 1)
    assert report.left_out == ("1 links to what this import does not make",)
    assert [row.path for row in report.rows] == ["issues[0]", "issues[1]", "issues[2]"]
    first, second, third = [
        await world.reads.get(f"TM-{number}", actor=world.actor) for number in (1, 2, 3)
    ]
    assert (first.external_id, first.estimate_seconds) == ("jira:TM-2", 3600)
    assert (second.is_blocked, third.parent_id) == (True, first.id)
    [told] = (
        await world.comments.list("TM-1", CommentOrder.THREAD, PageRequest(), actor=world.actor)
    ).items
    assert told.content == "*Bob, 2026-01-01*\n\nWet"
    facts = await world.fact_types()
    assert facts.count("CommentCreated") == facts.count("DependencyCreated") == 1
    assert facts.count("WorkItemBlocked") == 1
    assert (again.rows_created, again.rows_already_imported) == (0, 3)
    assert (again.comments_created, again.dependencies_created) == (0, 0)


async def test_imports_integration_refuse_dependencies_that_close_a_cycle(
    world: BoardWorld,
) -> None:
    await world.a_project()
    issues = [
        _issue("A", issuelinks=[_blocks("B")]),
        _issue("B", issuelinks=[_blocks("A")]),
        _issue("C", issuelinks=[_blocks("A")]),
    ]

    with pytest.raises(ImportRejected, match=r"issues\[0\]"):
        await _import(world, issues)
    report = await _import(world, issues, mode=ImportMode.VALID_ROWS)

    assert [row.outcome for row in report.rows] == [Outcome.WRONG, Outcome.WRONG, Outcome.CREATED]
    assert "it blocks issues[1], which must come before it." in report.rows[0].problems[0].problem
    assert report.dependencies_created == 0


async def test_imports_integration_respect_the_order_and_rest_of_what_is_above_them(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for _ in range(3):
        await world.an_item("epic")
    await world.a_link("TM-2", "TM-1")
    await world.items.change("TM-3", WorkItemChanges(archived=True), actor=world.actor)
    rows = "A,Sail,story,TM-1,B\nB,Row,story,TM-2,\nC,Nap,story,TM-3,\n"

    with pytest.raises(ImportRejected) as rejected:
        await world.import_text(f"id,title,type,parent,blocks\n{rows}")

    wrong = {
        row.line: [problem.problem for problem in row.problems]
        for row in rejected.value.report.rows
    }
    assert wrong == {
        2: ["it blocks line 3, which must come before it."],
        3: [],
        4: ["TM-3 is archived."],
    }


async def test_imports_integration_tell_three_wrong_rows_of_many_and_take_a_mapping(
    world: BoardWorld,
) -> None:
    await world.a_project()
    issues = [_issue(f"K-{number}") for number in range(300)]
    for number in (7, 77, 277):
        issues[number]["fields"]["status"] = {"name": "On air"}

    with pytest.raises(ImportRejected) as rejected:
        await _import(world, issues)
    dry = await _import(
        world, issues, dry_run=True, mapping=ImportMapping(statuses={"On air": "review"})
    )

    wrong = [row for row in rejected.value.report.rows if row.outcome is Outcome.WRONG]
    assert [row.path for row in wrong] == ["issues[7]", "issues[77]", "issues[277]"]
    assert {row.problems[0].column for row in wrong} == {"status"}
    assert dry.rows_wrong == 0
    assert await world.rows("SELECT id FROM work_items WHERE tenant_id = :tenant_id") == []

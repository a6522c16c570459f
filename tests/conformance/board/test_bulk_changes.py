"""Many items change in one step, on every kind of store."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.board_settings.models import BoardColumn, Limit, LimitMode, Rules
from tidemill.board.bulk_changes import service
from tidemill.board.bulk_changes.models import (
    BulkChangeRefused,
    BulkReport,
    ItemOutcome,
    NewBulkChange,
    OnError,
)
from tidemill.board.bulk_errors import BulkChangeTooLarge, InvalidBulkChange
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.changing.models import StepKind
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.board.workflow_changes.models import NewWorkflow
from tidemill.board.workflows.models import Category, Status
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Once

pytestmark = pytest.mark.anyio
_HIGH = WorkItemChanges(priority=Priority.HIGH)
_STARTED = WorkItemChanges(status="in_progress")


async def _bulk(
    world: BoardWorld, *keys: str, changes: WorkItemChanges | None = None, **fields: Any
) -> BulkReport:
    wanted = NewBulkChange(references=keys, changes=changes or WorkItemChanges(), **fields)
    return await world.bulk.apply(wanted, actor=world.actor)


async def _versions(world: BoardWorld) -> list[tuple[int, int]]:
    rows = await world.rows(
        "SELECT number, version FROM work_items WHERE tenant_id = :tenant_id ORDER BY id"
    )
    return [(row[0], row[1]) for row in rows]


def _outcomes(report: BulkReport) -> list[tuple[str, str, str | None]]:
    return [
        (item.reference, item.outcome.value, item.error.code if item.error else None)
        for item in report.items
    ]


async def test_apply_integration_tells_many_changes_by_one_fact_and_each_by_its_activity(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    await world.a_label("harbour")
    sprint = await world.a_sprint()
    items = [await world.an_item(points=points) for points in (1, 2, 3)]
    before = len(await world.fact_types())
    head = await world.activity.head(actor=world.actor)
    changes = WorkItemChanges(
        status="in_progress", add_labels=("harbour",), sprint=sprint.id, points=2
    )

    report = await _bulk(world, "TM-1", items[1].id, "tm-3", "TM-1", changes=changes)

    assert (report.status, report.total, report.changed) == ("applied", 3, 3)
    assert [(item.key, item.version) for item in report.items] == [
        ("TM-1", 2),
        ("TM-2", 2),
        ("TM-3", 2),
    ]
    fields = ("status", "points", "sprint_id", "labels")
    assert [item.fields for item in report.items] == [
        fields,
        ("status", "sprint_id", "labels"),
        fields,
    ]
    assert (await world.fact_types())[before:] == ["WorkItemsUpdated"]
    assert (await world.audit_actions())[-1] == "board.work_items.bulk_change"
    [[data, topics]] = await world.rows(
        "SELECT data, topics FROM stream WHERE tenant_id = :tenant_id AND type = 'WorkItemsUpdated'"
    )
    told = json.loads(data)["items"]
    assert [one["key"] for one in told] == ["TM-1", "TM-2", "TM-3"]
    assert {(one["status"], one["version"]) for one in told} == {("in_progress", 2)}
    assert [change["field_name"] for change in told[1]["changes"]] == [
        "status",
        "sprint_id",
        "labels",
    ]
    assert json.loads(topics) == [
        f"project:{project.id}",
        *(f"work-item:{item.id}" for item in items),
    ]
    feed = await world.activity.of_project("TM", head, PageRequest(limit=50), actor=world.actor)
    assert len(feed.items) == 11
    assert {one.seq for one in feed.items} == {feed.through_seq}
    read = await world.reads.get("TM-2", actor=world.actor)
    assert (read.sprint_id, read.started_at) == (sprint.id, read.updated_at)
    assert [label.name for label in read.labels] == ["harbour"]
    scope = await world.rows("SELECT kind FROM sprint_scope_events WHERE tenant_id = :tenant_id")
    assert len(scope) == 3


async def test_apply_integration_refuses_all_or_skips_what_one_change_would_refuse(
    world: BoardWorld,
) -> None:
    await world.a_project()
    for status in ("in_progress", "backlog", "todo"):
        await world.an_item(status=status)
    before = (await _versions(world), await world.fact_types())
    changes = WorkItemChanges(status="review")

    with pytest.raises(BulkChangeRefused) as refused:
        await _bulk(world, "TM-1", "TM-2", "TM-9", changes=changes)

    assert _outcomes(refused.value.report) == [
        ("TM-1", "held_back", None),
        ("TM-2", "refused", "STATUS_TRANSITION_FORBIDDEN"),
        ("TM-9", "refused", "WORK_ITEM_NOT_FOUND"),
    ]
    assert "2 of 3 items were refused" in refused.value.message
    assert (await _versions(world), await world.fact_types()) == before

    keys = ("TM-1", "TM-2", "TM-9")
    looked = await _bulk(world, *keys, changes=changes, on_error=OnError.SKIP, dry_run=True)

    assert (await _versions(world), await world.fact_types()) == before

    report = await _bulk(world, *keys, changes=changes, on_error=OnError.SKIP)

    assert (looked.status, report.status) == ("checked", "applied")
    assert looked.items == report.items
    assert (report.changed, report.refused) == (1, 2)
    assert await _versions(world) == [(1, 2), (2, 1), (3, 1)]
    again = await _bulk(world, "TM-1", changes=changes)
    assert (again.unchanged, await world.fact_types()) == (1, [*before[1], "WorkItemsUpdated"])


@pytest.mark.each_database(reason="a refused item is undone by a savepoint")
async def test_apply_integration_undoes_an_item_that_a_limit_or_a_cycle_refuses(
    world: BoardWorld,
) -> None:
    await world.a_project()
    doing = BoardColumn(statuses=("in_progress",), limit=Limit(items_max=2, mode=LimitMode.ENFORCE))
    rules = Rules(columns=(doing,))
    await world.board_settings.put("TM", rules, if_match=None, actor=world.actor)
    for _ in range(4):
        await world.an_item("story", status="todo")
    await world.an_item("epic")
    await world.a_link("TM-5", "TM-2")
    before = await world.fact_types()

    with pytest.raises(BulkChangeRefused) as refused:
        await _bulk(world, "TM-1", "TM-2", "TM-3", changes=_STARTED)
    report = await _bulk(
        world, "TM-1", "TM-2", "TM-3", "TM-4", changes=_STARTED, on_error=OnError.SKIP
    )
    below = await _bulk(
        world, "TM-2", "TM-3", changes=WorkItemChanges(parent="TM-5"), on_error=OnError.SKIP
    )

    assert refused.value.report.refused == 1
    outcomes = [outcome for _, outcome, _ in _outcomes(report)]
    assert outcomes.count("changed") == 2
    codes = {code for _, _, code in _outcomes(report)}
    assert codes == {None, "WIP_LIMIT_REACHED"}
    assert _outcomes(below) == [
        ("TM-2", "refused", "DEPENDENCY_CYCLE"),
        ("TM-3", "changed", None),
    ]
    rows = await world.rows(
        "SELECT number FROM work_items WHERE tenant_id = :tenant_id AND status = 'in_progress'"
    )
    assert len(rows) == 2
    assert (await world.fact_types())[len(before) :] == ["WorkItemsUpdated"] * 2
    activities = await world.rows(
        "SELECT count(*) FROM activities WHERE tenant_id = :tenant_id AND field = 'status'"
    )
    assert activities[0][0] == 2


async def test_apply_integration_takes_items_in_the_order_that_their_rules_ask_for(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item("epic")
    await world.an_item("story", parent="TM-1")
    await world.an_item("task", parent="TM-2")
    await world.an_item(status="todo")
    await world.a_link("TM-1", "TM-4")
    before = len(await world.fact_types())

    gone = await _bulk(world, "TM-1", "TM-2", "TM-3", action=StepKind.DELETE)
    freed = await world.fact_types()
    back = await _bulk(world, "TM-3", "TM-1", "TM-2", "TM-4", action=StepKind.RESTORE)

    assert gone.changed == 3
    assert freed[before:] == ["WorkItemsDeleted", "WorkItemUnblocked"]
    assert (back.changed, back.unchanged) == (3, 1)
    assert (await world.fact_types())[len(freed) :] == ["WorkItemsRestored", "WorkItemBlocked"]
    actions = [
        row.action
        for row in (await world.reads.activity("TM-3", PageRequest(), actor=world.actor)).items
    ]
    assert actions == ["restored", "deleted", "created"]
    with pytest.raises(BulkChangeRefused):
        await _bulk(world, "TM-1", action=StepKind.DELETE)


async def test_apply_integration_tells_once_who_waits_no_longer(world: BoardWorld) -> None:
    await world.a_project()
    for _ in range(3):
        await world.an_item(status="in_progress")
    await world.a_link("TM-1", "TM-3")
    await world.a_link("TM-2", "TM-3")
    await world.a_link("TM-1", "TM-2")
    before = len(await world.fact_types())

    await _bulk(world, "TM-3", "TM-2", "TM-1", changes=WorkItemChanges(status="done"))

    # As if each had been finished by itself; TM-3, which two held up, is told of once.
    unblocked = ["WorkItemUnblocked"] * 2
    assert (await world.fact_types())[before:] == ["WorkItemsUpdated", *unblocked]

    await _bulk(world, "TM-3", changes=_STARTED)
    await _bulk(world, "TM-2", "TM-1", changes=_STARTED)

    assert (await world.fact_types())[before + 4 :] == [
        "WorkItemsUpdated",
        "WorkItemBlocked",
        "WorkItemBlocked",
    ]


async def test_apply_integration_finds_items_by_a_filter_within_limits(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    await world.a_project("SEA")
    for project in ("TM", "TM", "SEA"):
        await world.an_item("bug", project=project)
    await world.an_item()

    with pytest.raises(InvalidFilter):
        await _bulk(world, filter=parse("type:bug sort:rank"), project="TM", changes=_HIGH)
    with pytest.raises(InvalidBulkChange):
        await _bulk(world, filter=parse("type:bug"), action=StepKind.RESTORE)
    with pytest.raises(InvalidBulkChange):
        await _bulk(world, "TM-1", filter=parse("type:bug"), changes=_HIGH)
    with pytest.raises(InvalidBulkChange):
        await _bulk(world, "TM-1")
    report = await _bulk(world, filter=parse("type:bug"), project="TM", changes=_HIGH)
    nothing = await _bulk(world, filter=parse("type:story"), changes=_HIGH)
    every = await _bulk(world, filter=parse("type:bug"), changes=WorkItemChanges(archived=True))
    monkeypatch.setattr(service, "items_per_bulk_max", 2)
    with pytest.raises(BulkChangeTooLarge):
        await _bulk(world, filter=parse("is:archived"), changes=WorkItemChanges(archived=False))

    assert [item.key for item in report.items] == ["TM-2", "TM-1"]
    assert (nothing.total, nothing.items) == (0, ())
    assert every.changed == 3
    # Followers of one project hear nothing of the other one's items.
    subjects = await world.rows(
        "SELECT data FROM stream WHERE tenant_id = :tenant_id AND type = 'WorkItemsUpdated' "
        "ORDER BY seq"
    )
    told = [[one["key"] for one in json.loads(row[0])["items"]] for row in subjects]
    assert told == [["TM-1", "TM-2"], ["TM-1", "TM-2"], ["SEA-1"]]


async def test_apply_integration_knows_items_by_all_their_names(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("SEA")
    item = await world.an_item()
    await world.an_item(project="SEA")
    frozen = await world.a_project("OLD")
    await world.an_item(project="OLD")
    archive = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change(frozen.id, archive, ANY_VERSION, actor=world.actor)
    await world.transfers.transfer("TM-1", NewTransfer(project="SEA"), actor=world.actor)
    await world.items.delete("SEA-1", actor=world.actor)

    report = await _bulk(
        world,
        *("tm-1", item.id.upper(), "SEA-1", "OLD-1", "nonsense", "TM-99999999999999"),
        changes=_HIGH,
        on_error=OnError.SKIP,
    )

    assert _outcomes(report) == [
        ("tm-1", "changed", None),
        ("SEA-1", "refused", "WORK_ITEM_NOT_FOUND"),
        ("OLD-1", "refused", "PROJECT_IS_ARCHIVED"),
        ("nonsense", "refused", "WORK_ITEM_NOT_FOUND"),
        ("TM-99999999999999", "refused", "WORK_ITEM_NOT_FOUND"),
    ]
    assert report.items[0].key == "SEA-2"


async def test_apply_integration_happens_once_for_its_key(world: BoardWorld) -> None:
    await world.a_project()
    await world.an_item()
    once = Once(key="k", scope="bulk", fingerprint="f", result_type=BulkReport)
    wanted = NewBulkChange(references=("TM-1",), changes=_HIGH)

    first = await world.bulk.apply(wanted, actor=world.actor, once=once)
    again = await world.bulk.apply(wanted, actor=world.actor, once=once)

    assert (first, first.changed) == (again, 1)
    assert await _versions(world) == [(1, 2)]


async def test_apply_integration_follows_workflows_of_several_projects(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_project("SEA")
    statuses = (
        Status(key="open", name="Open", category=Category.UNSTARTED, color=None),
        Status(key="shut", name="Shut", category=Category.DONE, color=None),
    )
    own = NewWorkflow(statuses=statuses, moves={"todo": "open", "backlog": "open"})
    await world.workflows.put("SEA", own, if_match=None, actor=world.actor)
    await world.an_item()
    await world.an_item(project="SEA")

    report = await _bulk(
        world, "TM-1", "SEA-1", changes=WorkItemChanges(status="shut"), on_error=OnError.SKIP
    )

    assert _outcomes(report) == [("TM-1", "refused", "UNKNOWN_STATUS"), ("SEA-1", "changed", None)]
    read = await world.reads.get("SEA-1", actor=world.actor)
    assert (read.status_category, read.completed_at) == ("done", read.updated_at)


@pytest.mark.each_database(reason="transactions race for the same rows")
async def test_apply_integration_two_that_overlap_both_count(world: BoardWorld) -> None:
    await world.a_project()
    for name in ("harbour", "tides"):
        await world.a_label(name)
    items = [await world.an_item() for _ in range(12)]
    keys = [item.key for item in items]

    reports = await asyncio.gather(
        _bulk(world, *keys, changes=WorkItemChanges(add_labels=("harbour",))),
        _bulk(world, *reversed(keys), changes=WorkItemChanges(add_labels=("tides",))),
        *(world.items.change(key, _HIGH, actor=world.actor) for key in keys[::3]),
    )

    assert all(
        item.outcome is ItemOutcome.CHANGED
        for report in reports
        if isinstance(report, BulkReport)
        for item in report.items
    )
    for place, key in enumerate(keys):
        read = await world.reads.get(key, actor=world.actor)
        assert [label.name for label in read.labels] == ["harbour", "tides"]
        assert read.version == (4 if place % 3 == 0 else 3)

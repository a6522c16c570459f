"""A project as one document, on every kind of store."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from tests.fixtures.attachments import Files
from tests.fixtures.board import BoardWorld
from tidemill.board.board_settings.models import LaneField, Rules
from tidemill.board.board_settings.schemas import PutBoardSettings
from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import ImportReport, Reading, SourceFormat
from tidemill.board.imports.service import ImportOptions
from tidemill.board.labels.models import NewLabel
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents import service
from tidemill.board.project_documents.service import ProjectDocumentService
from tidemill.board.time_tracking.models import NewTimeEntry
from tidemill.board.time_tracking.spans import Times
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.board.workflow_changes.schemas import PutWorkflow

pytestmark = pytest.mark.anyio
# What belongs to the place where an item lies, or does not come along; see the guide.
_LOCAL = (
    "external_id", "sprint", "archived_at", "started_at", "completed_at",
    "created_at", "created_by", "updated_at", "updated_by", "former_keys", "watchers", "comments",
    "time_entries", "attachments",
)  # fmt: skip


async def _document(world: BoardWorld, key: str = "TM") -> bytes:
    files = Files(world)
    documents = ProjectDocumentService(world.stores.tenants, files.store, BoardLimits())
    project = await world.projects.get(key, actor=world.actor)
    return b"".join([part async for part in documents.parts(project, actor=world.actor)])


async def _came_in(world: BoardWorld, document: bytes, **options: Any) -> ImportReport:
    reading = Reading(format=SourceFormat.TIDEMILL)
    return await world.imports.import_file(
        "HARB", document, ImportOptions(reading=reading, **options), actor=world.actor
    )


def _normal(document: bytes) -> list[dict[str, Any]]:
    """Return the items of a document with places instead of keys, without what is local."""
    items = json.loads(document)["items"]
    places = {item["key"]: place for place, item in enumerate(items)}
    return [
        {
            **{name: value for name, value in item.items() if name not in _LOCAL},
            "key": places[item["key"]],
            "parent": places.get(item["parent"]),
            "archived": item["archived_at"] is not None,
            "links": [
                {**link, "item": places[link["item"]]}
                for link in item["links"]
                if link["item"] in places
            ],
        }
        for item in items
    ]


async def _a_full_project(world: BoardWorld) -> str:
    """Make a project with something of everything, and return whose time is in it."""
    await world.a_project()
    await world.a_project("SEA")
    ada = await world.a_person("Ada")
    await world.a_label("everywhere")
    await world.labels.create(NewLabel(name="own", project="TM"), actor=world.actor)
    rules = Rules(lane_field=LaneField.ASSIGNEE)
    await world.board_settings.put("TM", rules, if_match=None, actor=world.actor)
    sprint = await world.a_sprint()
    await world.a_field("owner", "user")
    await world.an_item("epic", title="Harbour", description="Two\nlines, <b>plain</b>")
    await world.an_item("story", title='"Dredge"', parent="TM-1", sprint=sprint.id, points=3)
    await world.an_item(
        "task",
        title="Scrape",
        parent="TM-2",
        assignee_id=ada,
        status="in_progress",
        estimate_seconds=5_400,
        start_date=date(2026, 3, 1),
        due_date=date(2026, 3, 31),
        labels=("everywhere", "own"),
        external_id="jira:T-1",
        custom_fields={"owner": ada},
    )
    for title in ("Sail", "Row"):
        await world.an_item(title=title)
    await world.an_item(project="SEA", title="Went")
    await world.transfers.transfer("SEA-1", NewTransfer(project="TM"), actor=world.actor)
    await world.an_item(project="SEA", title="Elsewhere")
    await world.a_link("TM-3", "TM-4")
    await world.a_link("SEA-2", "TM-4")
    await world.a_link("TM-5", "TM-4", "relates_to")
    await world.items.change("TM-5", WorkItemChanges(after=None), actor=world.actor)
    await world.items.change("TM-6", WorkItemChanges(archived=True), actor=world.actor)
    first = await world.a_comment("Look", item="TM-4")
    await world.a_comment("Seen", item="TM-4", parent_id=first.id)
    await world.watchers.watch("TM-4", ada, actor=world.actor)
    times = Times(date=date(2026, 3, 2), duration_seconds=3_600)
    await world.time_entries.create(NewTimeEntry(work_item="TM-4", times=times), actor=world.actor)
    return ada


async def test_document_integration_holds_all_of_a_project_in_its_order(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _a_full_project(world)
    monkeypatch.setattr(service, "items_at_once_max", 2)

    told = json.loads(await _document(world))

    assert (told["format"], told["version"]) == ("tidemill.project", 1)
    assert told["project"]["key"] == "TM"
    assert (told["workflow"], told["board_settings"]) == (None, {"lane_field": "assignee"})
    assert [(one["name"], one["of_project"]) for one in told["labels"]] == [
        ("everywhere", False),
        ("own", True),
    ]
    assert [one["name"] for one in told["sprints"]] == ["Spring tide"]
    items = {item["key"]: item for item in told["items"]}
    assert list(items) == ["TM-5", "TM-1", "TM-2", "TM-3", "TM-4", "TM-6"]
    assert (items["TM-3"]["parent"], items["TM-3"]["assignee"]) == ("TM-2", "Ada")
    assert items["TM-3"]["labels"] == ["everywhere", "own"]
    assert items["TM-3"]["custom_fields"] == {"owner": "Ada"}
    assert [(one["key"], one["field_type"]) for one in told["custom_fields"]] == [("owner", "user")]
    assert items["TM-2"]["sprint"] == "Spring tide"
    assert items["TM-3"]["links"] == [{"type": "blocks", "item": "TM-4", "first": True}]
    assert items["TM-4"]["links"] == [{"type": "blocks", "item": "SEA-2", "first": False}]
    assert items["TM-6"]["former_keys"] == ["SEA-1"]
    assert items["TM-6"]["archived_at"] is not None
    assert items["TM-4"]["watchers"] == [{"person": "Ada", "state": "watching"}]
    comments = [(one["content"], one["reply_to"]) for one in items["TM-4"]["comments"]]
    assert comments == [("Look", None), ("Seen", 0)]
    [time] = items["TM-4"]["time_entries"]
    assert (time["date"], time["seconds"], time["source"]) == ("2026-03-02", 3_600, "manual")
    assert json.loads(await _document(world, "SEA"))["items"][0]["key"] == "SEA-2"


async def test_document_integration_comes_in_elsewhere_and_goes_out_the_same(
    world: BoardWorld,
) -> None:
    await _a_full_project(world)
    await world.a_project("HARB")
    document = await _document(world)

    looked = await _came_in(world, document, dry_run=True)
    report = await _came_in(world, document)
    again = await _came_in(world, document)

    assert (looked.rows_created, looked.rows_wrong, looked.rows_total) == (0, 0, 6)
    assert (report.rows_created, report.comments_created) == (6, 2)
    assert (again.rows_created, again.rows_already_imported) == (0, 6)
    assert _normal(await _document(world, "HARB")) == _normal(document)
    assert _normal(document)[3]["custom_fields"] == {"owner": "Ada"}
    assert [one["archived"] for one in _normal(document)] == [False] * 5 + [True]
    assert set(report.left_out) == {
        "1 sprints",
        "1 settings of the board",
        "1 watchers",
        "1 time entries",
        "1 former keys",
        "1 links to what this import does not make",
    }


async def test_document_integration_says_workflow_and_board_as_others_can_set_them(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_project("HARB")
    body = {
        "statuses": [
            {"key": "open", "name": "Open", "category": "unstarted"},
            {"key": "shut", "name": "Shut", "category": "done", "color": "#0072b2"},
        ],
        "initial": "open",
        "transitions": [
            {"from": "open", "to": ["shut"], "guards": [{"type": "requires_assignee"}]}
        ],
    }
    board = {"columns": [{"statuses": ["shut"], "limit": {"items_max": 3, "mode": "enforce"}}]}

    async def put(key: str, workflow: object, settings: object) -> None:
        wanted = msgspec.convert(workflow, PutWorkflow).wanted()
        await world.workflows.put(key, wanted, if_match=None, actor=world.actor)
        rules = msgspec.convert(settings, PutBoardSettings).rules()
        await world.board_settings.put(key, rules, if_match=None, actor=world.actor)

    await put("TM", body, board)
    first = json.loads(await _document(world))
    await put("HARB", first["workflow"], first["board_settings"])
    second = json.loads(await _document(world, "HARB"))

    assert first["workflow"]["transitions"] == body["transitions"]
    assert first["board_settings"] == board
    for part in ("workflow", "board_settings"):
        assert second[part] == first[part]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"[]", "no project document"),
        (b'{"format": "tidemill.project", "version": 1}', "no project document"),
        (b'{"format": "tidemill.project", "version": 2, "items": []}', "`version` is 2"),
        (b'{"format": "other", "version": 1, "items": []}', "no project document"),
        (b'{"format": "tidemill.project", "version": 1, "items": [', "no JSON"),
    ],
)
async def test_document_integration_of_another_form_is_refused(
    world: BoardWorld, document: bytes, told: str
) -> None:
    await world.a_project("HARB")

    with pytest.raises(ImportUnreadable) as refused:
        await _came_in(world, document)

    assert told in refused.value.message


async def test_document_integration_names_the_field_that_is_wrong(world: BoardWorld) -> None:
    await world.a_project("HARB")
    wrong: list[Any] = [
        {"key": "A-1", "title": "", "item_type": "task"},
        {"key": "A-2", "title": "x", "status": "on air", "links": "none", "labels": {"a": 1}},
        {"key": "A-3", "title": "x", "due_date": "soon", "comments": [{"content": "\x00"}]},
        {"key": "A-3", "title": "x", "parent": ["A-1"], "points": 1e300},
        "nothing",
    ]
    document = json.dumps({"format": "tidemill.project", "version": 1, "items": wrong}).encode()

    report = await _came_in(world, document, dry_run=True)

    told = {(row.path, problem.column) for row in report.rows for problem in row.problems}
    assert told >= {
        ("items[0]", "title"),
        ("items[1]", "status"),
        ("items[2]", "due_date"),
        ("items[3]", "key"),
        ("items[3]", "points"),
        ("items[4]", "title"),
    }


async def test_document_integration_tells_of_files_without_their_bytes(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item()
    files = Files(world)
    await files.attach("tides.txt", b"high and low")

    [item] = json.loads(await _document(world))["items"]

    [file] = item["attachments"]
    assert (file["name"], file["bytes"], len(file["sha256"])) == ("tides.txt", 12, 64)

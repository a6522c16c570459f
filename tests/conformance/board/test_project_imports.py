"""Projects out of documents, on every kind of store."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.project_documents import COMMENT, PROJECT, TIME, Place, a_document, elsewhere
from tidemill.board.errors import ImportUnreadable, ProjectKeyTaken
from tidemill.board.item_kinds.models import levels_max
from tidemill.board.labels.models import NewLabel
from tidemill.board.project_imports.models import (
    ProjectImportRejected,
)
from tidemill.board.transfers.models import NewTransfer
from tidemill.core.actor import Role
from tidemill.core.ids import UserId
from tidemill.core.store_errors import StoreUnavailable
from tidemill.identity import Person

pytestmark = pytest.mark.anyio


async def test_project_import_integration_of_an_empty_project_makes_one(world: BoardWorld) -> None:
    await world.a_project()
    here, there = Place(world), await elsewhere(world)

    report = await there.come(await here.archive())

    assert (report.status, report.counts.items, report.left_out) == ("imported", 0, ())
    first, second = await here.document(), await there.document()
    assert {**first, "exported_at": ""} == {**second, "exported_at": ""}


async def test_project_import_integration_takes_pages_of_items_and_files(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.board.project_documents.service.items_at_once_max", 2)
    monkeypatch.setattr("tidemill.board.project_documents.service.blobs_at_once_max", 1)
    monkeypatch.setattr("tidemill.board.project_imports.filling.service.items_at_once_max", 2)
    await world.a_project()
    here, there = Place(world), await elsewhere(world)
    for number in (1, 2, 3, 4, 5):
        await world.an_item(title=f"Item {number}")
        await here.files.attach("n.txt", f"{number % 3}".encode(), item=f"TM-{number}")

    report = await there.come(await here.archive())

    assert (report.counts.items, report.counts.attachments) == (5, 5)
    told = (await there.document())["items"]
    assert [item["title"] for item in told] == [f"Item {number}" for number in (1, 2, 3, 4, 5)]
    assert [len(item["attachments"]) for item in told] == [1] * 5


async def test_project_import_integration_knows_members_by_address_and_others_by_name(
    world: BoardWorld,
) -> None:
    place = Place(world)
    ada = await world.a_person("Ada Here")
    person = Person(user_id=UserId(ada), name="Ada Here", avatar=None, role=Role.MEMBER)
    place.members["ada@example.org"] = person
    people = [
        {"called": "Ada", "name": "Ada", "email": "ada@example.org"},
        {"called": "Bob", "name": "Bob", "email": "bob@example.org"},
    ]
    item = {"assignee": "Ada", "comments": [{**COMMENT, "author": "Bob"}], "created_by": "Ada"}

    report = await place.come(a_document(item, people=people))
    again = await place.come(a_document(item, people=people), key="SEA")

    assert (report.people_matched, report.people_named) == (1, ("Bob", "Eve"))
    assert again.people_named == report.people_named
    found = await world.reads.get("TM-1", actor=world.actor)
    assert (found.assignee_id, found.assignee_name, found.created_by) == (ada, "Ada Here", ada)
    sql = "SELECT name, state FROM people WHERE tenant_id = :tenant_id ORDER BY name"
    rows = [tuple(row) for row in await world.rows(sql)]
    assert rows == [("Ada Here", "active"), ("Bob", "removed"), ("Eve", "removed")]
    told = (await place.document())["items"][0]
    assert (told["assignee"], told["comments"][0]["author"]) == ("Ada Here", "Bob")


async def test_project_import_integration_never_takes_an_id_for_a_member(
    world: BoardWorld,
) -> None:
    ada = await world.a_person("Ada")

    report = await Place(world).come(a_document({"assignee": ada, "comments": [COMMENT]}))

    assert (report.people_matched, report.people_named) == (0, (ada, "Eve"))
    assert (await world.reads.get("TM-1", actor=world.actor)).assignee_id != ada


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"title": " "}, "title"),
        ({"key": "SEA-1"}, "key"),
        ({"item_type": "whale"}, "item_type"),
        ({"status": "afloat"}, "status"),
        ({"priority": "some"}, "priority"),
        ({"parent": "TM-9"}, "parent"),
        ({"parent": "TM-2"}, "parent"),
        ({"points": -1}, "points"),
        ({"start_date": "2026-02-01", "due_date": "2026-01-01"}, "due_date"),
        ({"sprint": "Spring"}, "sprint"),
        ({"labels": ["a,b"]}, "labels"),
        ({"custom_fields": {"depth": "1"}}, "custom_fields.depth"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"archived_at": "0001-01-01T00:00:00+14:00"}, "archived_at"),
        ({"former_keys": ["none"]}, "former_keys"),
        ({"links": [{"type": "likes", "item": "TM-2", "first": True}]}, "links"),
        ({"links": [{"type": "blocks", "item": "TM-1", "first": True}]}, "links"),
        ({"watchers": [{"person": "Eve", "state": "asleep"}]}, "watchers"),
        ({"comments": [{**COMMENT, "content": "\x00"}]}, "comments[0]"),
        ({"comments": [{**COMMENT, "reply_to": 0}]}, "comments[0].reply_to"),
        ({"comments": [{**COMMENT, "reactions": [{"emoji": "x", "person": "Eve"}]}]},
         "comments[0].reactions"),
        ({"time_entries": [{**TIME, "ended_at": "2025-01-01T00:00:00Z"}]}, "time_entries[0]"),
        ({"time_entries": [{**TIME, "ended_at": "2026-02-01T00:00:00Z"}]}, "time_entries[0]"),
        ({"time_entries": [{**TIME, "started_at": "2026-01-01T00:00:00.5Z"}]},
         "time_entries[0]"),
        ({"time_entries": [{**TIME, "date": "2026-01-02"}]}, "time_entries[0]"),
        ({"time_entries": [{**TIME, "source": "sand"}]}, "time_entries[0]"),
        ({"points": 10**30}, None),
        ({"labels": "none"}, None),
        ({"due_date": "soon"}, None),
    ],
)  # fmt: skip
async def test_project_import_integration_tells_each_wrong_item_once(
    world: BoardWorld, wrong: dict[str, Any], column: str | None
) -> None:
    document = a_document(wrong, {})

    checked = await Place(world).come(document, dry_run=True)
    with pytest.raises(ProjectImportRejected) as refused:
        await Place(world).come(document)

    [told] = checked.wrong
    assert (told.path, told.problems[0].column) == ("items[0]", column)
    assert refused.value.report.wrong == checked.wrong
    assert "items[0]" in refused.value.message
    assert await world.fact_types() == []


async def test_project_import_integration_refuses_an_order_that_cannot_be(
    world: BoardWorld,
) -> None:
    circle = [{"type": "blocks", "item": "TM-2", "first": first} for first in (True, False)]
    above = [{"type": "blocks", "item": "TM-3", "first": True}]
    story = {"item_type": "story", "links": above}

    checked = await Place(world).come(
        a_document({"links": circle}, {}, {"parent": "TM-4"}, story), dry_run=True
    )

    told = {part.key: part.problems[0].problem for part in checked.wrong}
    assert told == dict.fromkeys(("TM-1", "TM-2", "TM-4"), "it blocks what must come before it.")


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"project": {**PROJECT, "key": "tm", "status": "asleep", "time_zone": "Sea"}}, "project"),
        ({"project": {**PROJECT, "name": ""}}, "project"),
        ({"workflow": {"initial": "x", "statuses": [], "transitions": None}}, "workflow"),
        ({"board_settings": {"columns": [{"statuses": ["none"]}]}}, "board_settings"),
        ({"labels": [{"name": "x", "color": "red", "description": None, "of_project": True}]},
         "labels[0]"),
        ({"labels": [{"name": name, "color": "#123456", "description": None, "of_project": True}
                     for name in ("Wet", "wet")]}, "labels[1]"),
        ({"sprints": [{"called": "S", "name": "S", "goal": None, "start_date": "2026-02-01",
                       "end_date": "2026-01-01", "status": "active", "started_at": None,
                       "ended_at": None, "ledger": [], "report": None}]}, "sprints[0]"),
        ({"kinds": [{"key": "A", "name": "A", "color": "#123456", "icon": None, "parents": [],
                     "top_level": True, "in_sprints": None, "retired": False}]}, "kinds[0]"),
        ({"kinds": [{"key": "epic", "name": "A", "color": "#123456", "icon": None,
                     "parents": ["task"], "top_level": True, "in_sprints": None,
                     "retired": False}]}, "kinds"),
        ({"custom_fields": [{"key": "a", "name": "A", "field_type": "sand", "help": None,
                             "is_required": False, "default": None, "rules": {},
                             "of_project": True}]}, "custom_fields[0]"),
    ],
)  # fmt: skip
async def test_project_import_integration_tells_what_is_wrong_with_the_frame(
    world: BoardWorld, part: dict[str, Any], path: str
) -> None:
    checked = await Place(world).come(a_document(**part), dry_run=True)

    assert [told.path for told in checked.wrong] == [path]


async def test_project_import_integration_refuses_what_is_no_document(world: BoardWorld) -> None:
    place = Place(world)
    sketch: dict[str, Any] = {
        "item_type": "task", "title": "x", "description": None, "priority": None, "assignee": None,
        "points": None, "estimate_seconds": None, "labels": [], "custom_fields": {}, "children": [],
    }  # fmt: skip
    for _ in range(levels_max):
        sketch = {**sketch, "children": [sketch]}
    deep = a_document(templates=[{"name": "x", "description": None, "item": sketch}])

    for data in (b"", b"[]", b"{", b'{"format": "other"}', b"\xff", b"PK\x03\x04"):
        with pytest.raises(ImportUnreadable):
            await place.come(data)
    with pytest.raises(ImportUnreadable, match="documents of version 1"):
        await place.come({**a_document(), "version": 2})
    with pytest.raises(ImportUnreadable, match="too deep"):
        await place.come(deep)


async def test_project_import_integration_leaves_the_key_of_another_project_alone(
    world: BoardWorld,
) -> None:
    await world.a_project()
    place = Place(world)

    with pytest.raises(ProjectKeyTaken):
        await place.come(a_document({}))
    report = await place.come(a_document({"links": []}, {"parent": None}), key="SEA")

    assert (report.project_key, report.counts.items) == ("SEA", 2)
    assert [item["key"] for item in (await place.document("SEA"))["items"]] == ["SEA-1", "SEA-2"]


async def test_project_import_integration_keeps_no_bytes_of_what_it_refuses(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item()
    here, there = Place(world), await elsewhere(world)
    await here.files.attach("notes.txt", b"high and low")
    archive = await here.archive()
    kept = here.files.kept()
    there.files.bytes_per_tenant_max = 3

    with pytest.raises(Exception, match="attachment_bytes_per_tenant_max"):
        await there.come(archive)
    assert here.files.kept() == kept
    there.files.types = ("image/*",)
    with pytest.raises(ProjectImportRejected, match="attachments"):
        await there.come(archive)

    assert here.files.kept() == kept


async def test_project_import_integration_keeps_bytes_where_nobody_knows_what_was_written(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    await world.an_item()
    here, there = Place(world), await elsewhere(world)
    await here.files.attach("notes.txt", b"high and low")
    archive = await here.archive()
    tenants = world.stores.tenants
    write = tenants.write

    async def written_and_lost(*given: Any, **options: Any) -> None:
        await write(*given, **options)
        raise StoreUnavailable("main", "the connection broke")

    with monkeypatch.context() as patched:
        patched.setattr(tenants, "write", written_and_lost)
        with pytest.raises(StoreUnavailable):
            await there.come(archive)
    again = await there.come(archive)

    assert again.status == "already_imported"
    assert await there.archive() != b""
    assert len(here.files.kept()) == 2, "the bytes of each tenant"


async def test_project_import_integration_counts_files_that_did_not_come(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.an_item()
    here, there = Place(world), await elsewhere(world)
    await here.files.attach("notes.txt", b"high and low")

    report = await there.come(await here.document())

    assert report.left_out == ("1 files whose bytes did not come along",)
    assert (await there.document())["items"][0]["attachments"] == []


async def test_project_import_integration_counts_links_that_lead_elsewhere(
    world: BoardWorld,
) -> None:
    links = [{"type": "relates_to", "item": key, "first": True} for key in ("SEA-1", "TM-2")]

    report = await Place(world).come(a_document({"links": links}, {}))

    assert report.left_out == ("1 links to items of other projects",)
    assert report.counts.dependencies == 1


async def test_project_import_integration_names_items_by_their_former_keys(
    world: BoardWorld,
) -> None:
    for key in ("TM", "SEA"):
        await world.a_project(key)
    await world.an_item(project="SEA", title="Went")
    await world.transfers.transfer("SEA-1", NewTransfer(project="TM"), actor=world.actor)
    here, there = Place(world), await elsewhere(world)
    document = await here.document()

    await there.come(document)
    twice = await there.come(document, key="TWICE")

    found = await world.reads.get("SEA-1", actor=there.actor)
    assert (found.key, found.title) == ("TM-1", "Went")
    assert twice.left_out == ("1 former keys that name other items here",)
    assert (await there.document())["items"][0]["former_keys"] == ["SEA-1"]


async def test_project_import_integration_uses_what_projects_share_as_it_is(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.labels.create(NewLabel(name="wet", color="#111111"), actor=world.actor)
    await world.a_field("depth", "number")
    await world.an_item(labels=("wet",), custom_fields={"depth": 3})
    place = Place(world)
    document = await place.document()
    document["labels"][0]["color"] = "#222222"
    document["custom_fields"][0]["name"] = "Another name"

    await place.come(document, key="SEA")

    sql = "SELECT color FROM labels WHERE tenant_id = :tenant_id"
    assert [row[0] for row in await world.rows(sql)] == ["#111111"]
    sql = "SELECT name FROM custom_fields WHERE tenant_id = :tenant_id"
    assert [row[0] for row in await world.rows(sql)] == ["Depth"]
    [item] = (await place.document("SEA"))["items"]
    assert (item["labels"], item["custom_fields"]) == (["wet"], {"depth": "3"})


async def test_project_import_integration_tells_it_by_one_fact(world: BoardWorld) -> None:
    place = Place(world)

    await place.come(a_document({"comments": [COMMENT], "time_entries": [TIME]}, {}))

    assert await world.fact_types() == ["ProjectCreated", "ProjectImported"]
    assert await world.audit_actions() == ["board.projects.import"]

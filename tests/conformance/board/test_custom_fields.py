"""What custom fields promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tidemill.board.contract import ProjectId
from tidemill.board.custom_field_errors import (
    CustomFieldChanged,
    CustomFieldKeyTaken,
    CustomFieldNotFound,
    CustomFieldRequired,
    CustomFieldTypeFixed,
    InvalidCustomValue,
    TooManyCustomFields,
    UnknownCustomField,
)
from tidemill.board.custom_field_facts import CustomFieldId
from tidemill.board.custom_fields.models import (
    CustomField,
    CustomFieldChanges,
    FieldType,
    GivenChoice,
)
from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.custom_fields.service import CustomFieldService
from tidemill.board.errors import EditConflict
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.parsing import parse
from tidemill.board.imports.models import ImportMapping, ImportRejected, Reading
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.transfers.models import NewTransfer
from tidemill.board.versions import Expected
from tidemill.board.work_items.models import WorkItem, WorkItemChanges, WorkItemFilter
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio


def _choices(*names: str) -> tuple[GivenChoice, ...]:
    return tuple(GivenChoice(name=name) for name in names)


async def _change(world: BoardWorld, item: WorkItem, **values: Any) -> WorkItem:
    changes = WorkItemChanges(custom_fields=values)
    return await world.items.change(item.id, changes, actor=world.actor)


async def _found(world: BoardWorld, text: str) -> list[str]:
    wanted = Selection(filter=parse(text))
    page = await world.listing.list(wanted, PageRequest(), actor=world.actor)
    return [item.key for item in page.items]


@pytest.mark.each_database(reason="deleted fields leave what items keep as JSON")
async def test_custom_fields_integration_are_filled_changed_found_and_deleted(
    world: BoardWorld,
) -> None:
    await world.a_project()
    ada = await world.a_person("Ada")
    severity = await world.a_field("severity", "choice", choices=_choices("High", "Low"))
    await world.a_field("effort", "number", project="TM")
    await world.a_field("tester", "user")
    item = await world.an_item(custom_fields={"severity": "high", "effort": "2.50", "tester": ada})
    bare = await world.an_item()

    assert item.custom_fields == {"severity": "high", "effort": "2.5", "tester": ada}
    assert item == await world.reads.get(item.key, actor=world.actor)
    assert (bare.custom_fields, bare.custom_values) == ({}, None)
    changed = await _change(world, item, effort=3, tester=None)
    assert changed.custom_fields == {"severity": "high", "effort": "3"}
    assert (await _change(world, item, effort="3.0")).version == changed.version == 2
    activity = await world.reads.activity(item.key, PageRequest(), actor=world.actor)
    told = {row.field: (row.old_value, row.new_value) for row in activity.items if row.field}
    assert told == {
        "custom_fields.effort": ("2.5", "3"),
        "custom_fields.tester": (ada, None),
    }
    assert await _found(world, "cf.severity:HIGH") == [item.key]
    assert await _found(world, "cf.effort>2.999999 -cf.tester:Ada") == [item.key]
    await world.custom_fields.delete(severity.id, actor=world.admin)
    after = await world.reads.get(item.key, actor=world.actor)
    assert (after.custom_fields, after.version) == ({"effort": "3"}, 2)
    again = await world.a_field("severity", "text")
    assert again.id != severity.id
    assert await _found(world, "has:cf.severity") == []
    with pytest.raises(CustomFieldNotFound):
        await world.custom_fields.get(severity.id, actor=world.actor)
    assert (await world.audit_actions())[-2:] == [
        "board.custom_fields.delete",
        "board.custom_fields.create",
    ]


async def test_custom_fields_integration_facts_carry_values_and_changes(world: BoardWorld) -> None:
    await world.a_project()
    await world.a_field("site")
    item = await world.an_item(custom_fields={"site": "Quay"})
    await _change(world, item, site="Lock")

    rows = await world.rows(
        "SELECT type, data FROM stream WHERE tenant_id = :tenant_id ORDER BY seq"
    )
    facts = [(kind, msgspec.json.decode(data)) for kind, data in rows]
    kinds = [kind for kind, _ in facts]
    assert kinds[1:] == ["CustomFieldCreated", "WorkItemCreated", "WorkItemUpdated"]
    assert facts[2][1]["work_item"]["custom_fields"] == {"site": "Quay"}
    assert facts[3][1]["work_item"]["custom_fields"] == {"site": "Lock"}
    assert facts[3][1]["changes"] == [
        {"field_name": "custom_fields.site", "old_value": "Quay", "new_value": "Lock"}
    ]


async def test_custom_fields_integration_merge_field_by_field(world: BoardWorld) -> None:
    await world.a_project()
    for key in ("a", "b"):
        await world.a_field(key)
    item = await world.an_item()
    base = Expected(base=1)

    async def change(**values: str) -> WorkItem:
        changes = WorkItemChanges(custom_fields=values)
        return await world.items.change(item.id, changes, base, actor=world.actor)

    await change(a="1")
    both = await change(b="2")
    with pytest.raises(EditConflict) as conflict:
        await change(a="3")

    assert both.custom_fields == {"a": "1", "b": "2"}
    assert conflict.value.param == "custom_fields.a"


async def test_custom_fields_integration_required_ones_and_defaults(world: BoardWorld) -> None:
    await world.a_project()
    old = await world.an_item()
    left = await world.a_person("Bob")
    await world.a_field("site", is_required=True)
    await world.a_field("size", "number", default=1.5, is_required=True)
    await world.a_field("owner", "user", default=left)
    await world.stores.tenants.write(
        world.tenant_id,
        lambda tx: tx.execute(
            "UPDATE people SET state = 'removed' "
            "WHERE tenant_id = :tenant_id AND user_id = :user_id",
            user_id=left,
        ),
    )

    with pytest.raises(CustomFieldRequired) as missing:
        await world.an_item()
    item = await world.an_item(custom_fields={"site": "Quay"})

    assert missing.value.param == "custom_fields.site"
    assert item.custom_fields == {"site": "Quay", "size": "1.5"}
    with pytest.raises(CustomFieldRequired):
        await _change(world, item, size=None)
    retitled = await world.items.change(old.id, WorkItemChanges(title="New"), actor=world.actor)
    assert retitled.custom_fields == {}


async def test_custom_fields_integration_a_choice_in_use_is_retired(world: BoardWorld) -> None:
    await world.a_project()
    field = await world.a_field("severity", "choice", choices=_choices("High", "Low", "None"))
    item = await world.an_item(custom_fields={"severity": "low"})

    changes = CustomFieldChanges(choices=_choices("Highest", "High"), default="high")
    changed = await world.custom_fields.change(field.id, changes, actor=world.admin)

    told = [(one.id, one.is_retired) for one in changed.rules.choices]
    assert told == [("highest", False), ("high", False), ("low", True)]
    assert (await _change(world, item, severity="low")).version == 1
    with pytest.raises(InvalidCustomValue, match="no more"):
        await world.an_item(custom_fields={"severity": "low"})
    assert await _found(world, "cf.severity:low") == [item.key]
    with pytest.raises(CustomFieldTypeFixed):
        await world.custom_fields.change(
            field.id, CustomFieldChanges(field_type=FieldType.TEXT), actor=world.admin
        )
    with pytest.raises(CustomFieldChanged):
        await world.custom_fields.change(
            field.id, CustomFieldChanges(name="X"), Expected(version=1), actor=world.admin
        )


async def test_custom_fields_integration_keys_are_clear_and_fields_are_few(
    world: BoardWorld,
) -> None:
    for key in ("TM", "XX"):
        await world.a_project(key)
        await world.a_field("site", project=key)
    few = CustomFieldService(world.stores.tenants, BoardLimits(custom_fields_max=1))
    for taken in ({}, {"project": "TM"}):
        with pytest.raises(CustomFieldKeyTaken):
            await world.a_field("site", **taken)
    await world.a_field("size")
    with pytest.raises(CustomFieldKeyTaken):
        await world.a_field("size", project="XX")

    world.custom_fields = few

    with pytest.raises(TooManyCustomFields):
        await world.a_field("other", project="TM")
    with pytest.raises(UnknownCustomField) as unknown:
        await world.an_item(custom_fields={"nothing\0": "x"})
    assert unknown.value.param == "custom_fields.nothing\0"


@pytest.mark.each_database(reason="transactions race")
async def test_custom_fields_integration_races_make_one_and_leave_nothing_behind(
    world: BoardWorld,
) -> None:
    await world.a_project()
    made = await asyncio.gather(*(world.a_field("site") for _ in range(4)), return_exceptions=True)
    [field] = [one for one in made if isinstance(one, CustomField)]
    items = [await world.an_item() for _ in range(4)]

    await asyncio.gather(
        *(_change(world, item, site=item.key) for item in items),
        world.custom_fields.delete(field.id, actor=world.admin),
        return_exceptions=True,
    )

    left = await world.rows(
        "SELECT id FROM work_items WHERE tenant_id = :tenant_id AND custom_values IS NOT NULL"
    )
    assert list(left) == []
    assert sum(isinstance(one, CustomFieldKeyTaken) for one in made) == 3


async def test_custom_fields_integration_go_to_another_project_where_they_fit(
    world: BoardWorld,
) -> None:
    for key in ("TM", "XX"):
        await world.a_project(key)
        await world.a_field("site", project=key)
    await world.a_field("size", "number")
    await world.a_field("depth", "number", project="TM")
    await world.a_field("depth", "text", project="XX")
    item = await world.an_item(custom_fields={"site": "Quay", "size": 2, "depth": 7})

    transfer = await world.transfers.transfer(
        item.key, NewTransfer(project="XX"), actor=world.actor
    )

    assert transfer.item.custom_fields == {"site": "Quay", "size": "2"}
    assert transfer.items[0].custom_fields_left == ("depth",)
    assert await _found(world, "project:XX cf.site:quay cf.size:2") == [transfer.item.key]
    assert await _found(world, "has:cf.depth") == []


async def test_custom_fields_integration_imports_fill_them_and_tell_what_does_not_fit(
    world: BoardWorld,
) -> None:
    await world.a_project()
    ada = await world.a_person("Ada")
    await world.a_field("severity", "choice", choices=_choices("High", "Low"), default="low")
    await world.a_field("effort", "number", project="TM", is_required=True)
    await world.a_field("tester", "user")
    header = "title,cf.severity,CF.Effort,Checked by\n"
    mapping = ImportMapping(columns={"Checked by": "cf.tester"})
    reading = Reading(mapping=mapping)

    report = await world.import_text(header + "A,High,2.50,ada\nB,,,\n", reading=reading)
    with pytest.raises(ImportRejected) as rejected:
        await world.import_text(header + "C,Huge,much,Zoe\n", reading=reading)
    with pytest.raises(ImportRejected) as unknown:
        await world.import_text("title,cf.nothing\nD,x\nE,\n")

    assert [row.key for row in report.rows] == ["TM-1", "TM-2"]
    items = [await world.reads.get(key, actor=world.actor) for key in ("TM-1", "TM-2")]
    assert items[0].custom_fields == {"severity": "high", "effort": "2.5", "tester": ada}
    assert items[1].custom_fields == {"severity": "low"}
    assert await _found(world, "cf.effort:2.5 cf.tester:ada") == ["TM-1"]
    problems = rejected.value.report.rows[0].problems
    told = [(one.column, one.value) for one in problems]
    assert sorted(told) == [("CF.Effort", "much"), ("Checked by", "Zoe"), ("cf.severity", "Huge")]
    assert [len(row.problems) for row in unknown.value.report.rows] == [1, 0]


async def test_custom_fields_integration_are_found_and_sorted_within_their_project(
    world: BoardWorld,
) -> None:
    tm = await world.a_project()
    xx = await world.a_project("XX")
    for project, type_ in ((tm, "number"), (xx, "text")):
        await world.a_field("size", type_, project=project.id)
    big = await world.an_item(custom_fields={"size": 8})
    small = await world.an_item(custom_fields={"size": 2})

    async def found(text: str, **said: Any) -> list[str]:
        wanted = Selection(parameters=WorkItemFilter(**said), filter=parse(text))
        page = await world.listing.list(wanted, PageRequest(), actor=world.actor)
        return [item.key for item in page.items]

    assert await found("project:TM sort:cf.size") == [small.key, big.key]
    assert await found("sort:-cf.size", project_id=tm.id) == [big.key, small.key]
    assert await found("cf.size:8", project_id=tm.id) == [big.key]
    with pytest.raises(InvalidFilter, match="is no number"):
        await found("cf.size:wide", project_id=tm.id)
    with pytest.raises(InvalidFilter, match="another type in another project"):
        await found("sort:cf.size")


@pytest.mark.each_database(reason="lists of many ids are bound otherwise on each")
async def test_custom_fields_integration_are_found_in_any_number_of_projects(
    world: BoardWorld,
) -> None:
    project = await world.a_project()
    field = await world.a_field("size", "number", project=project.id)

    def use_case(tx: Tx) -> None:
        for place in range(200):
            like = structs.replace(project, id=ProjectId(tx.new_id()), key=f"P{place}")
            ProjectRepository().add(tx, like)
            own = structs.replace(field, id=CustomFieldId(tx.new_id()), project_id=like.id)
            CustomFieldRepository().add(tx, own)

    await world.stores.tenants.write(world.tenant_id, use_case)
    last = await world.a_project("LAST")
    await world.a_field("size", "number", project=last.id)
    big = await world.an_item(project="LAST", custom_fields={"size": 8})
    small = await world.an_item(project="LAST", custom_fields={"size": 2})

    assert await _found(world, "cf.size>1 sort:cf.size") == [small.key, big.key]


async def test_custom_fields_integration_are_found_by_days_that_are_named_twice(
    world: BoardWorld,
) -> None:
    await world.a_project()
    await world.a_field("due", "date")
    item = await world.an_item(custom_fields={"due": "2026-03-02"})

    assert await _found(world, "cf.due:2026-03-02,2026-03-02") == [item.key]
    assert await _found(world, "cf.due:2026-03-02,2026-03-03,2026-03-02") == [item.key]

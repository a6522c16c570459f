"""The frequent queries use their indexes and sort nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.contract import LabelId, ProjectId, WorkItemId
from tidemill.board.project_access.walls import walled
from tidemill.board.work_items import repository
from tidemill.board.work_items.models import WorkItemChanges, WorkItemFilter
from tidemill.board.work_items.repository import list_statement
from tidemill.core.clock import Instant
from tidemill.infrastructure.database.sqlite.tx import SqliteTx

pytestmark = pytest.mark.anyio
_PROJECT = ProjectId("p")
_INDEX = re.compile(r"IdxInsert (\w+)")

LISTS = {
    "all": (WorkItemFilter(), "PRIMARY KEY|sqlite_autoindex_work_items_1"),
    "project": (WorkItemFilter(project_id=_PROJECT), "sqlite_autoindex_work_items_2"),
    "project and status": (
        WorkItemFilter(project_id=_PROJECT, status="todo"),
        "idx_work_items_project_id_status",
    ),
    "parent": (WorkItemFilter(parent_id=WorkItemId("i")), "idx_work_items_parent_id"),
    "assignee": (WorkItemFilter(assignee_id="u"), "idx_work_items_assignee_id"),
    "type in project": (
        WorkItemFilter(project_id=_PROJECT, item_type="bug"),
        "sqlite_autoindex_work_items_2",
    ),
    "changes": (WorkItemFilter(updated_since=Instant(1)), "idx_work_items_updated_at"),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("is_first_page", [True, False], ids=["first", "next"])
@pytest.mark.parametrize("is_walled", [False, True], ids=["all", "behind walls"])
async def test_list_statement_uses_an_index_in_its_order(
    world: BoardWorld, name: str, is_first_page: bool, is_walled: bool
) -> None:
    wanted, index = LISTS[name]
    sql, parameters = list_statement(wanted, None if is_first_page else (5, "x"))

    behind = walled(sql, is_guest=False) if is_walled else sql
    plan = _plan(world, behind, {**parameters, "reader_id": "ada"})

    assert any(part in plan for part in index.split("|")), plan
    assert "SCAN w" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize("sql", [repository._BY_ID, repository._BY_KEY, repository._A_CHILD])
async def test_find_searches_by_index_only(world: BoardWorld, sql: str) -> None:
    plan = _plan(world, sql, {"id": "x", "project_key": "TM", "number": 1})

    assert "SCAN" not in plan, plan


@pytest.mark.parametrize("count", [1, 2])
async def test_list_statement_finds_bearers_of_a_label_by_its_index(
    world: BoardWorld, count: int
) -> None:
    labels = [LabelId(f"l{n}") for n in range(count)]
    sql, parameters = list_statement(WorkItemFilter(label="x"), (5, "x"), labels)

    plan = _plan(world, sql, parameters)

    assert "SEARCH il USING" in plan, plan
    assert "SCAN w" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


async def test_change_writes_the_indexes_of_what_changed_alone(
    world: BoardWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.a_project()
    item = await world.an_item()
    execute, updates = SqliteTx.execute, []

    def told(tx: SqliteTx, sql: str, /, **parameters: Any) -> int:
        if "UPDATE work_items" in sql:
            updates.append((sql, parameters.copy()))
        return execute(tx, sql, **parameters)

    monkeypatch.setattr(SqliteTx, "execute", told)
    await world.items.change(item.key, WorkItemChanges(title="Ebb"), actor=world.actor)

    [(sql, parameters)] = updates
    written = set(_INDEX.findall(_program(world, sql, parameters)))
    assert written == {"idx_work_items_updated_at"}
    assert (await world.items.change(item.key, WorkItemChanges(), actor=world.actor)).version == 2


def _program(world: BoardWorld, sql: str, parameters: Mapping[str, object]) -> str:
    """Return what the statement writes, with the names of indexes."""
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = dict(connection.execute("SELECT rootpage, name FROM sqlite_master"))
        named = {"tenant_id": world.tenant_id, **parameters}
        steps = connection.execute(f"EXPLAIN {sql}", named).fetchall()
    opened = {step[2]: names.get(step[3], "") for step in steps if step[1] == "OpenWrite"}
    return "\n".join(f"IdxInsert {opened[step[2]]}" for step in steps if step[1] == "IdxInsert")


def _plan(world: BoardWorld, sql: str, parameters: Mapping[str, object]) -> str:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        named = {"tenant_id": world.tenant_id, "limit": 51, **parameters}
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", named).fetchall()
    finally:
        connection.close()
    return "\n".join(row[3] for row in rows)

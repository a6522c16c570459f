"""Searches along links look each step up, and the database is asked once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.blocking import repository
from tidemill.board.blocking.models import FINISH, START, link
from tidemill.board.blocking.repository import BlockingRepository
from tidemill.board.contract import WorkItemId
from tidemill.board.critical_paths.repository import OPEN_LINKS
from tidemill.board.dependencies.models import DependencyFilter, DependencyType
from tidemill.board.dependencies.repository import of_item_statement, page_statement
from tidemill.board.work_items.models import WorkItemFilter
from tidemill.board.work_items.repository import list_statement
from tidemill.core.ports import Tx

pytestmark = pytest.mark.anyio

_ITEM: Final = WorkItemId("x")
STATEMENTS: Final[dict[str, tuple[str, Mapping[str, Any]]]] = {
    "reaches": (repository.REACHES["sqlite"], {"phase": 0, "goal": "y", "goal_phase": 1}),
    "edges": (repository.EDGES["sqlite"], {"phase": 0}),
    "keys": (repository.KEYS["sqlite"], {}),
    "blocked among": (repository.BLOCKED_AMONG["sqlite"], {}),
    "dependents": (repository.DEPENDENTS, {"id": "x"}),
    "dependents of a project": (repository.DEPENDENTS_OF_PROJECT, {"project_id": "p"}),
    "blockers": (repository.BLOCKERS, {"id": "x"}),
    "of an item": of_item_statement(_ITEM, None, None),
    "of an item and type": of_item_statement(_ITEM, DependencyType.BLOCKS, "y"),
    "all": page_statement(DependencyFilter(), "y"),
    "blocked items": list_statement(WorkItemFilter(blocked=True), None),
    "free items": list_statement(WorkItemFilter(blocked=False), None),
    "open links": (OPEN_LINKS, {"project_id": "p"}),
}
_TABLES: Final = ("w", "d", "a", "b", "c", "dependencies", "work_items")


@pytest.mark.parametrize("name", STATEMENTS)
async def test_searches_read_no_table_as_a_whole(world: BoardWorld, name: str) -> None:
    sql, parameters = STATEMENTS[name]

    plan = _plan(world, sql, parameters)

    scanned = [line for line in plan for table in _TABLES if line.startswith(f"SCAN {table}")]
    assert scanned == [], plan


async def test_reaches_ends_on_a_graph_that_goes_round(world: BoardWorld) -> None:
    """What no use case writes: even so a search comes to its end."""
    await world.a_project()
    ids = [(await world.an_item()).id for _ in range(3)]
    for first, second in pairwise(ids):
        await world.a_link(first, second)
    await world.stores.tenants.write(
        world.tenant_id,
        lambda tx: tx.execute(
            "INSERT INTO dependencies (tenant_id, id, dependency_type, blocking_item_id, "
            "blocked_item_id, created_at, created_by) "
            "VALUES (:tenant_id, 'x', 'blocks', :last, :first, 1, 'u')",
            last=ids[-1],
            first=ids[0],
        ),
    )
    graph = BlockingRepository()

    def look(tx: Tx) -> tuple[bool, bool, int]:
        return (
            graph.reaches(tx, (ids[0], START), (ids[0], FINISH)),
            graph.reaches(tx, (ids[0], START), ("absent", FINISH)),
            len(graph.edges(tx, ids[:1], START)),
        )

    assert await world.stores.tenants.read(world.tenant_id, look) == (True, False, 6)


async def test_edges_hold_each_step_once_however_it_is_reached(world: BoardWorld) -> None:
    await world.a_project()
    ids = [(await world.an_item()).id for _ in range(4)]
    for first, second in ((0, 1), (0, 2), (1, 3), (2, 3)):
        await world.a_link(ids[first], ids[second])
    graph = BlockingRepository()

    edges = await world.stores.tenants.read(
        world.tenant_id, lambda tx: graph.edges(tx, ids[:1], START)
    )

    assert len(edges) == len(set(edges)) == 8
    assert link(ids[2], ids[3]) in edges


def _plan(world: BoardWorld, sql: str, parameters: Mapping[str, Any]) -> list[str]:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    named = {"tenant_id": world.tenant_id, "limit": 51, "ids": '["x"]', **parameters}
    try:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", named).fetchall()
    finally:
        connection.close()
    return [row[3] for row in rows]

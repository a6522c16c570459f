"""The usual filters find their items by an index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.filter_plans import USUAL, usual_statement
from tidemill.board.project_access.walls import walled

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("is_walled", [False, True], ids=["all", "behind walls"])
async def test_filter_statement_reads_the_index_of_a_usual_filter(
    world: BoardWorld, is_walled: bool
) -> None:
    path = _path(world)
    given = {"tenant_id": world.tenant_id, "reader_id": "ada", "limit": 51}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for name, (_, _, indexes) in USUAL.items():
            sql, parameters = usual_statement(name, "p", "sqlite")
            behind = walled(sql, is_guest=False) if is_walled else sql
            rows = connection.execute(f"EXPLAIN QUERY PLAN {behind}", {**given, **parameters})
            plan = "\n".join(row[3] for row in rows)

            assert any(index in plan for index in indexes.split("|")), (name, plan)
            assert "SCAN w" not in plan, (name, plan)


def _path(world: BoardWorld) -> Path:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    return path

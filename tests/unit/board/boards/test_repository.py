"""Boards find their items by indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.board_plans import board_statements
from tidemill.board.board_settings.models import LaneField
from tidemill.board.project_access.walls import walled
from tidemill.board.workflows.models import DEFAULT_WORKFLOW

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("is_walled", [False, True], ids=["all", "behind walls"])
async def test_board_statements_read_indexes(world: BoardWorld, is_walled: bool) -> None:
    path = _path(world)
    given = {"tenant_id": world.tenant_id, "reader_id": "ada", "limit": 51}
    plans = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for name, (sql, parameters) in board_statements("p", "sqlite").items():
            behind = walled(sql, is_guest=False) if is_walled else sql
            rows = connection.execute(f"EXPLAIN QUERY PLAN {behind}", {**given, **parameters})
            plans[name] = "\n".join(row[3] for row in rows)

    for name, plan in plans.items():
        assert "SCAN w" not in plan, (name, plan)
    for name in ("cards", "further cards"):
        assert plans[name].count("idx_work_items_board") in {1, 7}, plans[name]
        assert "TEMP B-TREE" not in plans[name], plans[name]
    assert "TEMP B-TREE" not in plans["counts"]
    for field in LaneField:
        assert plans[f"heads by {field}"].count("idx_work_items_board") == len(
            DEFAULT_WORKFLOW.statuses
        )
        assert "ORDER BY" not in plans[f"heads by {field}"], plans[f"heads by {field}"]
        assert "idx_work_items_board" in plans[f"tails by {field}"], field
        assert "idx_work_items_status_category" in plans[f"started by {field}"], field


def _path(world: BoardWorld) -> Path:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    return path

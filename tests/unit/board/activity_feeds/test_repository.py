from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.activity_feeds.repository import OF_ITEM, OF_PROJECT

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("sql", "indexes"),
    [
        (OF_ITEM, ("a USING PRIMARY KEY (tenant_id=? AND work_item_id=?)", "tenant_id=? AND id=?")),
        (OF_PROJECT["sqlite"], ("tenant_id=? AND seq>?", "idx_activities_fact_id")),
    ],
)
async def test_feeds_search_by_index_only(
    world: BoardWorld, sql: str, indexes: tuple[str, ...]
) -> None:
    plan = _plan(world, sql)

    assert "SCAN" not in plan, plan
    assert all(index in plan for index in indexes), plan


def _plan(world: BoardWorld, sql: str) -> str:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    given = {"seq": 1, "until": 9, "version": 0, "after_item": "", "field": "", "limit": 9}
    given |= {"tenant_id": "t", "work_item_id": "w", "topic": "%x%"}
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", given).fetchall()
    finally:
        connection.close()
    return "\n".join(row[3] for row in rows)

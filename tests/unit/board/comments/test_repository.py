"""Lists of comments use their indexes and sort nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.activities import repository as activities
from tidemill.board.comments import repository
from tidemill.board.comments.models import CommentOrder
from tidemill.board.comments.repository import list_statement
from tidemill.board.contract import WorkItemId

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("order", "index"),
    [
        (CommentOrder.THREAD, "idx_comments_place"),
        (CommentOrder.NEWEST, "idx_comments_work_item_id"),
    ],
)
async def test_list_statement_uses_an_index_in_its_order(
    world: BoardWorld, order: CommentOrder, index: str
) -> None:
    sql, parameters = list_statement(WorkItemId("i"), order, None)

    plan = _plan(world, sql, {**parameters, "limit": 51})

    assert index in plan, plan
    assert "idx_comments_parent_id" in plan, plan
    assert "SCAN" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize(
    "sql", [repository._BY_ID, repository._REVISIONS, repository._UNREACT, activities._PAGE]
)
async def test_statements_search_by_index_only(world: BoardWorld, sql: str) -> None:
    given = {"id": "x", "comment_id": "x", "before": 1, "emoji": "x", "user_id": "x", "limit": 1}
    item = {"work_item_id": "x", "version": 1, "at": 1, "field": ""}

    plan = _plan(world, sql, given | item)

    assert "SCAN" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan


def _plan(world: BoardWorld, sql: str, parameters: Mapping[str, object]) -> str:
    (path,) = Path(world.stores_directory).glob(f"**/{world.tenant_id}/main.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        named = {"tenant_id": world.tenant_id, **parameters}
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", named).fetchall()
    finally:
        connection.close()
    return "\n".join(row[3] for row in rows)

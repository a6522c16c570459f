"""PostgreSQL has an index for each frequent list; SQLite's plans are tested with its repository."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import StoreClock, a_tenant, store_options
from tidemill.board.contract import WorkItemId
from tidemill.board.work_items.models import WorkItemFilter
from tidemill.board.work_items.repository import list_statement
from tidemill.core.clock import Instant
from tidemill.infrastructure.database import open_stores
from tidemill.infrastructure.database.sql import parse_scoped

pytestmark = pytest.mark.anyio


async def test_list_statement_uses_an_index_in_its_order_on_postgres(tmp_path: Path) -> None:
    clock = StoreClock()
    async with store_options("schema", tmp_path) as options:
        stores = await open_stores(options, clock)
        try:
            world = BoardWorld(stores, await a_tenant(stores), clock, tmp_path)
            project = await world.a_project()
            rows = "".join(f"Row {n},todo\n" for n in range(3_000))
            await world.import_text("title,status\n" + rows)
            filters = {
                "work_items_pkey": WorkItemFilter(),
                "work_items_tenant_id_project_id_number_key": WorkItemFilter(project_id=project.id),
                "idx_work_items_project_id_status": WorkItemFilter(
                    project_id=project.id, status="done"
                ),
                "idx_work_items_parent_id": WorkItemFilter(parent_id=WorkItemId("x")),
                "idx_work_items_assignee_id": WorkItemFilter(assignee_id="x"),
                "idx_work_items_updated_at": WorkItemFilter(updated_since=Instant(1)),
            }
            plans = await _plans(options.url or "", options.schema_prefix, world, filters)
        finally:
            await stores.close()

    for index, plan in plans.items():
        assert index in plan, plan
        assert "Sort" not in plan, plan


async def _plans(
    url: str, prefix: str, world: BoardWorld, filters: dict[str, WorkItemFilter]
) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        schema = await connection.fetchval(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'work_items' "
            "AND starts_with(schemaname, $1) ORDER BY schemaname DESC LIMIT 1",
            prefix,
        )
        await connection.execute(f'SET search_path = "{schema}"; ANALYZE work_items')
        plans: dict[str, str] = {}
        for index, wanted in filters.items():
            sql, parameters = list_statement(wanted, None)
            statement = parse_scoped(sql)
            given = {"tenant_id": world.tenant_id, "limit": 51, **parameters}
            rows = await connection.fetch(
                f"EXPLAIN {statement.postgres}", *(given[name] for name in statement.order)
            )
            plans[index] = "\n".join(row[0] for row in rows)
    finally:
        await connection.close()
    return plans

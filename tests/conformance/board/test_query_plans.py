"""PostgreSQL has an index for each frequent list; SQLite's plans are tested with its repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.board_plans import board_statements
from tests.fixtures.filter_plans import USUAL, usual_statement
from tests.fixtures.stores import StoreClock, a_tenant, store_options
from tidemill.board.activity_feeds import repository as activity
from tidemill.board.blocking import repository as blocking
from tidemill.board.bulk_changes import repository as bulk
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.critical_paths.repository import OPEN_LINKS
from tidemill.board.dependencies.repository import of_item_statement
from tidemill.board.notifying import repository as audience
from tidemill.board.project_access.walls import walled
from tidemill.board.reminders import repository as reminders
from tidemill.board.work_items.models import Sort, WorkItemFilter
from tidemill.board.work_items.repository import list_statement
from tidemill.core.clock import Instant
from tidemill.core.ports import Value
from tidemill.infrastructure.database import open_stores
from tidemill.infrastructure.database.sql import parse_scoped

pytestmark = pytest.mark.anyio

_CHAIN: Final = """
    INSERT INTO dependencies (tenant_id, id, dependency_type, blocking_item_id, blocked_item_id,
        created_at, created_by)
    SELECT :tenant_id, a.id, 'blocks', a.id, b.id, 1, 'ada' FROM work_items AS a
    JOIN work_items AS b ON b.project_id = a.project_id AND b.number = a.number + 1
"""
_FIELDS: Final = """
    INSERT INTO custom_fields (tenant_id, id, key, name, field_type, is_required, rules, version,
        created_at, created_by, updated_at, updated_by)
    SELECT :tenant_id, one, one, one, 'text', 0, '{}', 1, 1, 'ada', 1, 'ada'
    FROM unnest(ARRAY['site', 'effort']) AS one
"""
_COMMENTS: Final = """
    INSERT INTO comments (tenant_id, id, work_item_id, place, content, content_html, renderer,
        mentions, version, created_at, created_by, updated_at, updated_by)
    SELECT :tenant_id, w.id, w.id, w.id, w.title, w.title, 1, '{}', 1, 1, 'ada', 1, 'ada'
    FROM work_items AS w WHERE w.tenant_id = :tenant_id
"""
_VALUES: Final = """
    INSERT INTO custom_field_values (tenant_id, field_id, work_item_id, text_value, number_value)
    SELECT :tenant_id, f.id, w.id, CASE f.id WHEN 'site' THEN w.title END,
        CASE f.id WHEN 'effort' THEN w.number * 1000 END
    FROM custom_fields AS f, work_items AS w WHERE f.tenant_id = w.tenant_id
"""
_ONE: Final = {"ids": '["x"]'}
_KEYS: Final = {"keys": '[["TM", 1]]'}
_SINCE: Final = {"seq": 1, "until": 9, "version": 0, "after_item": "", "field": ""}
_WAY: Final = {**_ONE, "phase": 0, "goal": "y", "goal_phase": 1}
_DAYS: Final = {"first": "2026-03-30", "last": "2026-03-31"}
LINKED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "reaches": (blocking.REACHES["postgres"], _WAY),
    "edges": (blocking.EDGES["postgres"], _WAY),
    "keys": (blocking.KEYS["postgres"], _ONE),
    "blocked among": (blocking.BLOCKED_AMONG["postgres"], _ONE),
    "dependents": (blocking.DEPENDENTS, {"id": "x"}),
    "blockers": (blocking.BLOCKERS, {"id": "x"}),
    "of an item": of_item_statement(WorkItemId("x"), None, None),
    "items": list_statement(WorkItemFilter(), None),
    "items of a project": list_statement(WorkItemFilter(project_id=ProjectId("x")), None),
    "blocked items": list_statement(WorkItemFilter(blocked=True), None),
    "free items": list_statement(WorkItemFilter(blocked=False), None),
    "activity of an item": (activity.OF_ITEM, {**_SINCE, "work_item_id": "x"}),
    "activity of a project": (activity.OF_PROJECT["postgres"], {**_SINCE, "topic": "%x%"}),
    "items by ids": (bulk.HELD["postgres"], _ONE),
    "items by keys": (bulk.BY_KEYS["postgres"], _KEYS),
    "items by former keys": (bulk.BY_FORMER_KEYS["postgres"], _KEYS),
    "what blocks items": (bulk.BLOCKING["postgres"], _ONE),
    "next reminder": (reminders.NEXT_DAY, _DAYS),
    "planned reminders": (reminders.PLANNED, _DAYS),
    "items of a sprint": (audience.OF_SPRINT, {"sprint_id": "x"}),
    "open links": (OPEN_LINKS, {"project_id": "x"}),
}


@pytest.mark.parametrize("is_walled", [False, True], ids=["all", "behind walls"])
async def test_statements_use_their_indexes_on_postgres(tmp_path: Path, is_walled: bool) -> None:
    clock = StoreClock()
    async with store_options("schema", tmp_path) as options:
        stores = await open_stores(options, clock)
        try:
            world = BoardWorld(stores, await a_tenant(stores), clock, tmp_path)
            project = await world.a_project()
            rows = "".join(f"Row {n},todo\n" for n in range(3_000))
            await world.import_text("title,status\n" + rows)
            await stores.tenants.write(world.tenant_id, lambda tx: tx.execute(_FIELDS))
            await stores.tenants.write(world.tenant_id, lambda tx: tx.execute(_VALUES))
            await stores.tenants.write(world.tenant_id, lambda tx: tx.execute(_COMMENTS))
            filters = {
                "work_items_pkey": WorkItemFilter(),
                "work_items_tenant_id_project_id_number_key": WorkItemFilter(project_id=project.id),
                "idx_work_items_project_id_status": WorkItemFilter(
                    project_id=project.id, status="done"
                ),
                "idx_work_items_parent_id": WorkItemFilter(parent_id=WorkItemId("x")),
                "idx_work_items_assignee_id": WorkItemFilter(assignee_id="x"),
                "idx_work_items_updated_at": WorkItemFilter(updated_since=Instant(1)),
                "idx_work_items_rank": WorkItemFilter(project_id=project.id, sort=Sort.RANK),
            }
            statements = {index: list_statement(wanted, None) for index, wanted in filters.items()}
            usual = {name: usual_statement(name, project.id, "postgres") for name in USUAL}
            place = options.url or "", options.schema_prefix, is_walled
            plans = await _plans(*place, world, statements)
            usual_plans = await _plans(*place, world, usual)
            await stores.tenants.write(world.tenant_id, lambda tx: tx.execute(_CHAIN))
            linked = await _plans(*place, world, LINKED)
            boards = await _plans(*place, world, board_statements(project.id, "postgres"))
        finally:
            await stores.close()

    for index, plan in plans.items():
        assert index in plan, plan
        assert "Sort" not in plan, plan
    for name, plan in usual_plans.items():
        assert any(index in plan for index in USUAL[name][2].split("|")), (name, plan)
        assert "Seq Scan on work_items" not in plan, (name, plan)
    for name, plan in linked.items():
        assert "Seq Scan on work_items" not in plan, (name, plan)
        assert "Seq Scan on dependencies" not in plan, (name, plan)
        assert "Seq Scan on activities" not in plan, (name, plan)
        assert "Seq Scan on stream" not in plan, (name, plan)
    for name in ("cards", "further cards"):
        # All rows have one status here, so that the index of ranks serves as well.
        indexes = ("idx_work_items_board", "idx_work_items_rank")
        assert any(index in boards[name] for index in indexes), (name, boards[name])
        assert "Seq Scan on work_items" not in boards[name], (name, boards[name])


async def _plans(
    url: str,
    prefix: str,
    is_walled: bool,
    world: BoardWorld,
    statements: dict[str, tuple[str, dict[str, Value]]],
) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        schema = await connection.fetchval(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'work_items' "
            "AND starts_with(schemaname, $1) ORDER BY schemaname DESC LIMIT 1",
            prefix,
        )
        await connection.execute(
            f'SET search_path = "{schema}"; '
            "ANALYZE work_items, custom_field_values, search_documents, "
            "comment_documents, dependencies, activities, stream"
        )
        plans: dict[str, str] = {}
        for name, (sql, parameters) in statements.items():
            statement = parse_scoped(walled(sql, is_guest=False) if is_walled else sql)
            known = {"tenant_id": world.tenant_id, "reader_id": str(world.actor.user_id)}
            given: dict[str, Value] = {**known, "limit": 51, **parameters}
            rows = await connection.fetch(
                f"EXPLAIN {statement.postgres}", *(given[one] for one in statement.order)
            )
            plans[name] = "\n".join(row[0] for row in rows)
    finally:
        await connection.close()
    return plans

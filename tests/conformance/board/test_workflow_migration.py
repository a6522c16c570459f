"""Items come to have the categories of the default workflow, and go back to its statuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.run import unique_name
from tidemill.board.workflows.models import DEFAULT_WORKFLOW
from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import Migration, discover
from tidemill.infrastructure.database.postgres.migrating import downgrade_schema, upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import (
    downgrade_connection,
    upgrade_connection,
)

pytestmark = pytest.mark.anyio

_PROJECT = """
    INSERT INTO projects (tenant_id, id, key, name, next_item_number, version, created_at,
        created_by, updated_at, updated_by)
    VALUES ('t', 'p', 'TM', 'Tide', 1, 1, 1, 'u', 1, 'u')
"""
_ITEM = """
    INSERT INTO work_items (tenant_id, id, project_id, number, item_type, title, status, priority,
        rank, version, created_at, created_by, updated_at, updated_by)
    VALUES ('t', '{status}', 'p', {number}, 'task', 'x', '{status}', 'low', '{number}', 1, 1, 'u',
        1, 'u')
"""
_CATEGORIES = "SELECT status, status_category FROM work_items"
_OWN = (
    "UPDATE work_items SET status = 'shipped' WHERE id = 'done'",
    "UPDATE work_items SET status = 'dropped' WHERE id = 'cancelled'",
    "UPDATE work_items SET status_category = 'unstarted' WHERE id = 'blocked'",
)
_STATUSES = "SELECT id, status FROM work_items"
_AGAIN = {**{status: status for status in DEFAULT_WORKFLOW.categories}, "blocked": "todo"}


def _statements() -> list[str]:
    statuses = enumerate(DEFAULT_WORKFLOW.categories, 1)
    return [_PROJECT, *(_ITEM.format(number=number, status=status) for number, status in statuses)]


def _before(dialect: str) -> list[Migration]:
    migrations = discover(dialect, StoreKind.TENANT)
    first = next(one.version for one in migrations if one.name.endswith("workflows"))
    return [one for one in migrations if one.version < first]


def test_categories_of_old_items_on_sqlite_are_those_of_their_statuses(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), _before("sqlite"))
        for statement in _statements():
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        assert dict(connection.execute(_CATEGORIES).fetchall()) == DEFAULT_WORKFLOW.categories
        for statement in _OWN:
            connection.execute(statement)
        downgrade_connection(connection, StoreKind.TENANT, _before("sqlite")[-1].version)
        assert dict(connection.execute(_STATUSES).fetchall()) == _AGAIN


async def test_categories_of_old_items_on_postgres_are_those_of_their_statuses(
    postgres_url: str,
) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("flows")
    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _statements():
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        rows = await connection.fetch(_CATEGORIES)
        assert {row[0]: row[1] for row in rows} == DEFAULT_WORKFLOW.categories
        for statement in _OWN:
            await connection.execute(statement)
        await downgrade_schema(connection, StoreKind.TENANT, schema, before[-1].version)
        await connection.execute(f'SET search_path = "{schema}"')
        assert {row[0]: row[1] for row in await connection.fetch(_STATUSES)} == _AGAIN
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

"""What was said before comments were searched is found as well, but for what was deleted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from tests.fixtures.run import unique_name
from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import Migration, discover
from tidemill.infrastructure.database.postgres.migrating import upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import (
    downgrade_connection,
    upgrade_connection,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="migrations are written for each database"),
]

_COMMENT: Final = """
    INSERT INTO comments (tenant_id, id, work_item_id, place, content, content_html, renderer,
        mentions, version, created_at, created_by, updated_at, updated_by, deleted_at)
    VALUES ('t', '{0}', 'i', '{0}', '{1}', '', 1, '{{}}', 1, 1, 'ada', 1, 'ada', {2})
"""
_PROJECT: Final = """
    INSERT INTO projects (tenant_id, id, key, name, next_item_number, version, created_at,
        created_by, updated_at, updated_by)
    VALUES ('t', 'p', 'TM', 'Tide', 2, 1, 1, 'ada', 1, 'ada')
"""
_ITEM: Final = """
    INSERT INTO work_items (tenant_id, id, project_id, number, item_type, title, status,
        status_category, priority, rank, version, created_at, created_by, updated_at, updated_by)
    VALUES ('t', 'i', 'p', 1, 'task', 'Moor', 'todo', 'unstarted', 'medium', 'm', 1, 1, 'ada', 1,
        'ada')
"""
_STATEMENTS: Final = (
    _PROJECT,
    _ITEM,
    _COMMENT.format("c1", "Low water", "NULL"),
    _COMMENT.format("c2", "Low tide", "5"),
    _COMMENT.format("c3", "High tide", "NULL"),
)
_LATER: Final = "UPDATE comments SET content = 'Neap tide' WHERE id = 'c1'"
_SQLITE: Final = """
    SELECT d.comment_id FROM search_comments AS f
    JOIN comment_documents AS d ON d.position = f.rowid
    WHERE f.search_comments MATCH '{}' ORDER BY d.comment_id
"""
_POSTGRES: Final = """
    SELECT comment_id FROM comment_documents WHERE words @@ CAST('{}' AS tsquery)
    ORDER BY comment_id
"""


def _before(dialect: str) -> list[Migration]:
    migrations = discover(dialect, StoreKind.TENANT)
    first = next(one.version for one in migrations if one.name == "search_comments")
    return [one for one in migrations if one.version < first]


def test_old_comments_on_sqlite_are_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:

        def found(word: str) -> list[str]:
            return [row[0] for row in connection.execute(_SQLITE.format(word))]

        before = _before("sqlite")
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), before)
        for statement in _STATEMENTS:
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        assert (found("low"), found("tide")) == (["c1"], ["c3"])
        connection.execute(_LATER)
        assert (found("low"), found("tide")) == ([], ["c1", "c3"])
        connection.execute("DELETE FROM comments WHERE id = 'c3'")
        assert found("tide") == ["c1"]
        words = "SELECT rowid FROM search_words WHERE search_words MATCH 'moor'"
        assert len(connection.execute(words).fetchall()) == 1
        downgrade_connection(connection, StoreKind.TENANT, before[-1].version)
        assert len(connection.execute(words).fetchall()) == 1


async def test_old_comments_on_postgres_are_found(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("said")

    async def found(word: str) -> list[str]:
        return [row[0] for row in await connection.fetch(_POSTGRES.format(word))]

    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _STATEMENTS:
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        assert (await found("low"), await found("tide")) == (["c1"], ["c3"])
        await connection.execute(_LATER)
        assert (await found("low"), await found("tide")) == ([], ["c1", "c3"])
        await connection.execute("DELETE FROM comments WHERE id = 'c3'")
        assert await found("tide") == ["c1"]
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

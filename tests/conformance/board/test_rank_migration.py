"""Items from before there were ranks stand in the order of their numbers afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.run import unique_name
from tidemill.board.ranking.ranks import between
from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import Migration, discover
from tidemill.infrastructure.database.postgres.migrating import upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="migrations are written for each database"),
]

_NUMBERS = [*range(1, 200), 3_843, 3_844, 3_845, 238_327, 238_328, 14_776_336, 900_000_000]
_PROJECT = """
    INSERT INTO projects (tenant_id, id, key, name, next_item_number, version, created_at,
        created_by, updated_at, updated_by)
    VALUES ('t', 'p', 'TM', 'Tide', 1, 1, 1, 'u', 1, 'u')
"""
_ITEM = """
    INSERT INTO work_items (tenant_id, id, project_id, number, item_type, title, status, priority,
        version, created_at, created_by, updated_at, updated_by)
    VALUES ('t', 'i{number}', 'p', {number}, 'task', 'x', 'todo', 'low', 1, 1, 'u', 1, 'u')
"""
_RANKED = "SELECT number, rank FROM work_items ORDER BY rank"


def _statements() -> list[str]:
    return [_PROJECT, *(_ITEM.format(number=number) for number in reversed(_NUMBERS))]


def _before(dialect: str) -> list[Migration]:
    return [one for one in discover(dialect, StoreKind.TENANT) if one.version < 14]


def _check(rows: list[tuple[int, str]]) -> None:
    assert [number for number, _ in rows] == sorted(_NUMBERS)
    # Each is a rank beside which another item can be put.
    ranks = [None, *(rank for _, rank in rows), None]
    for low, high in pairwise(ranks):
        between(low, high)


def test_ranks_of_old_items_on_sqlite_follow_their_numbers(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), _before("sqlite"))
        for statement in _statements():
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        _check(connection.execute(_RANKED).fetchall())


async def test_ranks_of_old_items_on_postgres_follow_their_numbers(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("ranks")
    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _statements():
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        _check([(row[0], row[1]) for row in await connection.fetch(_RANKED)])
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

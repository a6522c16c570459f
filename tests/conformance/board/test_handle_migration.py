"""Who was a member before there were handles can be mentioned at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.run import unique_name
from tidemill.board.handles.models import handles_of
from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import Migration, discover
from tidemill.infrastructure.database.postgres.migrating import upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="migrations are written for each database"),
]

_PEOPLE = {"0192-Ab": "Ada Lovelace", "u2": "Bob", "u3": "Eve Q. Smith-Jones", "u4": "Zoë"}
_PERSON = """
    INSERT INTO people (tenant_id, user_id, name, state) VALUES ('t', '{id}', '{name}', '{state}')
"""
_HANDLES = "SELECT user_id, handle, kind FROM handles"


def _statements() -> list[str]:
    return [
        *(_PERSON.format(id=id_, name=name, state="active") for id_, name in _PEOPLE.items()),
        _PERSON.format(id="gone", name="Gone", state="removed"),
    ]


def _before(dialect: str) -> list[Migration]:
    migrations = discover(dialect, StoreKind.TENANT)
    first = next(one.version for one in migrations if one.name.endswith("comments"))
    return [one for one in migrations if one.version < first]


def _check(rows: list[tuple[str, str, int]]) -> None:
    assert set(rows) == {
        (id_, handle, kind.value)
        for id_, name in _PEOPLE.items()
        for handle, kind in handles_of(id_, name).items()
    }


def test_handles_of_old_members_on_sqlite_are_there(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), _before("sqlite"))
        for statement in _statements():
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        _check(connection.execute(_HANDLES).fetchall())


async def test_handles_of_old_members_on_postgres_are_there(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("handles")
    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _statements():
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        _check([tuple(row) for row in await connection.fetch(_HANDLES)])
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

"""Projects from before there were roles belong to who made them, as far as the tenant lets it."""

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
from tidemill.infrastructure.database.migrations import Migration, MigrationFailed, discover
from tidemill.infrastructure.database.postgres.migrating import downgrade_schema, upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import (
    downgrade_connection,
    upgrade_connection,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="migrations are written for each database"),
]

_PERSON: Final = """
    INSERT INTO people (tenant_id, user_id, name, state) VALUES ('t', '{0}', '{0}', '{1}')
"""
_FACT: Final = """
    INSERT INTO stream (tenant_id, seq, id, feature, type, subject, at, actor, topics, data)
    VALUES ('t', {0}, 'f{0}', 'identity', '{1}', '{2}', 1, '{{}}', '[]', '{3}')
"""
_PROJECT: Final = """
    INSERT INTO projects (tenant_id, id, key, name, next_item_number, version, created_at,
        created_by, updated_at, updated_by)
    VALUES ('t', 'p-{0}', '{0}', '{0}', 1, 1, 1, '{0}', 1, '{0}')
"""
_STATEMENTS: Final = (
    *(_PERSON.format(name, "active") for name in ("ada", "bob", "eve")),
    _PERSON.format("gone", "removed"),
    *(
        _FACT.format(seq, "MemberAdded", name, f'{{"role": "{role}"}}')
        for seq, (name, role) in enumerate(
            [("ada", "owner"), ("bob", "member"), ("eve", "member"), ("gone", "member")], 1
        )
    ),
    _FACT.format(5, "MemberRoleChanged", "eve", '{"old_role": "member", "new_role": "viewer"}'),
    "INSERT INTO followers (tenant_id, name, seq) VALUES ('t', 'identity.people', 5)",
    *(_PROJECT.format(name) for name in ("ada", "bob", "eve", "gone")),
)
_ROLES: Final = "SELECT user_id, role FROM people ORDER BY user_id"
_MEMBERS: Final = "SELECT project_id, user_id, role FROM project_members ORDER BY project_id"
_HEARD: Final = "SELECT seq FROM followers WHERE name = 'board.project_members'"
_CLOSE: Final = "UPDATE projects SET visibility = 'private' WHERE key = 'ada'"
_OPEN: Final = "UPDATE projects SET visibility = 'tenant'"
_SEEN: Final = "SELECT DISTINCT visibility FROM projects ORDER BY visibility"


def _before(dialect: str) -> list[Migration]:
    migrations = discover(dialect, StoreKind.TENANT)
    first = next(one.version for one in migrations if one.name.endswith("project_members"))
    return [one for one in migrations if one.version < first]


def _check(roles: object, members: object, seen: object, heard: object) -> None:
    assert roles == [("ada", "owner"), ("bob", "member"), ("eve", "viewer"), ("gone", "member")]
    assert members == [("p-ada", "ada", "owner"), ("p-bob", "bob", "owner")]
    assert seen == [("tenant",)]
    assert heard == [(5,)], "what happened before takes no role away"


def test_old_projects_on_sqlite_belong_to_who_made_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), _before("sqlite"))
        for statement in _STATEMENTS:
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        _check(*(connection.execute(sql).fetchall() for sql in (_ROLES, _MEMBERS, _SEEN, _HEARD)))

        last = _before("sqlite")[-1].version
        connection.execute(_CLOSE)
        with pytest.raises(MigrationFailed, match="There are private projects"):
            downgrade_connection(connection, StoreKind.TENANT, last)
        assert connection.execute(_SEEN).fetchall() == [("private",), ("tenant",)]
        connection.execute(_OPEN)
        assert downgrade_connection(connection, StoreKind.TENANT, last) == last


async def test_old_projects_on_postgres_belong_to_who_made_them(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("members")
    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _STATEMENTS:
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        found = [await connection.fetch(sql) for sql in (_ROLES, _MEMBERS, _SEEN, _HEARD)]
        _check(*([tuple(row) for row in rows] for rows in found))
        last = before[-1].version
        await connection.execute(_CLOSE)
        with pytest.raises(MigrationFailed, match="There are private projects"):
            await downgrade_schema(connection, StoreKind.TENANT, schema, last)
        await connection.execute(f'SET search_path = "{schema}"')
        await connection.execute(_OPEN)
        assert await downgrade_schema(connection, StoreKind.TENANT, schema, last) == last
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()

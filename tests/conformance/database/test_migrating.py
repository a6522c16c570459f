"""Schemas go up, down and up again, and end as they were; what fails leaves nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest

from tests.fixtures.run import unique_name
from tests.fixtures.stores import StoreClock, StoresKind, a_tenant, make_stores, store_options
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.core.store_errors import TenantUnavailable
from tidemill.infrastructure.database import open_stores
from tidemill.infrastructure.database.migrate import Progress, open_inspector, open_migrator
from tidemill.infrastructure.database.migrations import Migration, MigrationFailed, discover
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse
from tidemill.infrastructure.database.postgres.migrating import downgrade_schema, upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import (
    downgrade_connection,
    upgrade_connection,
)

pytestmark = pytest.mark.anyio

_NOW = Instant(1)
_BROKEN = Migration(
    version=9_000,
    name="broken",
    up="CREATE TABLE half_made (x TEXT); INSERT INTO nowhere VALUES (1);",
    down="DROP TABLE half_made;",
    checksum="broken",
)


def _sqlite_schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master "
        "WHERE name NOT LIKE '%schema_migrations%' AND name <> 'sqlite_sequence' ORDER BY 1, 2"
    ).fetchall()


_COLUMNS = """
    SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),
           a.attnotnull, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE n.nspname = $1 AND c.relname NOT LIKE 'schema_migrations%' ORDER BY 1, 3
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE n.nspname = $1 AND conname NOT LIKE 'schema_migrations%' ORDER BY 1, 2
"""
_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = $1 AND tablename <> 'schema_migrations' ORDER BY 1
"""
_TRIGGERS = """
    SELECT tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND NOT tgisinternal ORDER BY 1
"""
_FUNCTIONS = """
    SELECT proname, prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 ORDER BY 1
"""
_WAITS = "SELECT 1 FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND NOT granted"
_POSTGRES_SCHEMA = (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _FUNCTIONS)


async def _postgres_schema(connection: Any, schema: str) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in await connection.fetch(sql, schema)] for sql in _POSTGRES_SCHEMA]


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[tuple[Any, str]]:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("migrating")
    try:
        yield connection, schema
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()


@pytest.mark.parametrize("kind", list(StoreKind))
def test_migrations_up_down_up_on_sqlite_give_the_same_schema(
    tmp_path: Path, kind: StoreKind
) -> None:
    """U18."""
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, kind, _NOW)
        first = _sqlite_schema(connection)
        for migration in reversed(discover("sqlite", kind)):
            downgrade_connection(connection, kind, migration.version - 1)
        empty = _sqlite_schema(connection)
        upgrade_connection(connection, kind, _NOW)

        assert empty == []
        assert first
        assert _sqlite_schema(connection) == first


@pytest.mark.parametrize("kind", list(StoreKind))
async def test_migrations_up_down_up_on_postgres_give_the_same_schema(
    postgres: tuple[Any, str], kind: StoreKind
) -> None:
    """U18."""
    connection, schema = postgres
    await upgrade_schema(connection, kind, schema, _NOW)
    first = await _postgres_schema(connection, schema)
    for migration in reversed(discover("postgres", kind)):
        await downgrade_schema(connection, kind, schema, migration.version - 1)
    empty = await _postgres_schema(connection, schema)
    await upgrade_schema(connection, kind, schema, _NOW)

    assert empty == [[] for _ in _POSTGRES_SCHEMA]
    assert first[0]
    assert await _postgres_schema(connection, schema) == first


@pytest.mark.parametrize("kind", [StoreKind.TENANT, StoreKind.JOBS])
async def test_migrations_put_the_tenant_first_in_every_key(
    postgres: tuple[Any, str], kind: StoreKind
) -> None:
    connection, schema = postgres
    await upgrade_schema(connection, kind, schema, _NOW)

    rows = await connection.fetch(
        "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE n.nspname = $1 AND i.indisunique AND a.attname IS DISTINCT FROM 'tenant_id'",
        schema,
    )

    # The number of a spec is never seen outside; the narrower the rows that name it, the better.
    known = ("schema_migrations", "job_specs")
    assert [tuple(row) for row in rows if not row[1].removesuffix("_pkey").endswith(known)] == []


@pytest.mark.parametrize("kind", list(StoreKind))
async def test_migrations_make_the_same_columns_on_both_databases(
    postgres: tuple[Any, str], tmp_path: Path, kind: StoreKind
) -> None:
    connection, schema = postgres
    await upgrade_schema(connection, kind, schema, _NOW)
    rows = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = $1 "
        "AND table_name NOT IN (SELECT c.relname FROM pg_class c WHERE c.relispartition) "
        # Each database indexes texts in a way of its own.
        "AND table_name NOT IN ('search_documents', 'comment_documents')",
        schema,
    )
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as file:
        upgrade_connection(file, kind, _NOW)
        columns = file.execute(
            "SELECT t.name, c.name FROM pragma_table_list t, pragma_table_xinfo(t.name) c "
            "WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' "
            "AND t.name NOT IN ('search_documents', 'comment_documents')"
        ).fetchall()

    assert {tuple(row) for row in rows} == set(columns)


def test_upgrade_integration_that_fails_leaves_a_file_as_it_was(tmp_path: Path) -> None:
    known = discover("sqlite", StoreKind.JOBS)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.JOBS, _NOW)
        before = _sqlite_schema(connection)

        with pytest.raises(MigrationFailed, match="9000_broken failed: no such table: nowhere"):
            upgrade_connection(connection, StoreKind.JOBS, _NOW, [*known, _BROKEN])

        assert _sqlite_schema(connection) == before
        assert upgrade_connection(connection, StoreKind.JOBS, _NOW) == known[-1].version


async def test_upgrade_integration_that_fails_leaves_a_schema_as_it_was(
    postgres: tuple[Any, str],
) -> None:
    connection, schema = postgres
    known = discover("postgres", StoreKind.JOBS)
    await upgrade_schema(connection, StoreKind.JOBS, schema, _NOW)
    before = await _postgres_schema(connection, schema)

    with pytest.raises(MigrationFailed, match="9000_broken failed"):
        await upgrade_schema(connection, StoreKind.JOBS, schema, _NOW, migrations=[*known, _BROKEN])

    assert await _postgres_schema(connection, schema) == before


async def test_upgrade_integration_that_waited_for_another_one_goes_on(
    postgres: tuple[Any, str], postgres_url: str
) -> None:
    connection, schema = postgres
    second = await asyncpg.connect(postgres_url)
    try:
        # As a process has done that looked at another store before.
        await upgrade_schema(second, StoreKind.JOBS, schema, _NOW)
        await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        async with connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"migrate:{schema}"
            )
            waiting = asyncio.create_task(upgrade_schema(second, StoreKind.JOBS, schema, _NOW))
            with anyio.fail_after(60):
                while not await connection.fetchval(  # noqa: ASYNC110 - another session's wait
                    _WAITS, second.get_server_pid()
                ):
                    await anyio.sleep(0.01)
            # As the process does that was first.
            await connection.execute(f'CREATE SCHEMA "{schema}"')

        version = await waiting

        assert version == discover("postgres", StoreKind.JOBS)[-1].version
    finally:
        await second.close()


async def test_migrator_integration_upgrades_reports_and_goes_back(
    kind: StoresKind, tmp_path: Path
) -> None:
    async with store_options(kind, tmp_path) as options:
        stores = await open_stores(options, StoreClock())
        tenants = sorted([await a_tenant(stores) for _ in range(3)])
        await stores.close()
        seen: list[Progress] = []
        dialect = "sqlite" if kind == "sqlite" else "postgres"
        last = discover(dialect, StoreKind.TENANT)[-1]

        async with open_migrator(options, StoreClock()) as migrator:
            await migrator.downgrade(tenants[0], last.version - 1)
            behind = {s.store: s.pending for s in await migrator.status(tenants=True)}
            problems = await migrator.check()
            report = await migrator.upgrade_tenants(parallel=4, progress=seen.append)
            after = {s.store: s.pending for s in await migrator.status(tenants=True)}

        assert (last.label,) in behind.values()
        assert any(last.label in problem for problem in problems)
        assert not any(after.values())
        assert (report.done, report.failures) == (report.total, ())
        assert sorted(progress.done for progress in seen) == list(range(1, report.total + 1))


async def test_migrator_integration_lists_failures_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed tenant answers TENANT_UNAVAILABLE while others are served."""
    async with store_options("sqlite", tmp_path) as options:
        async with make_stores("sqlite", tmp_path) as stores:
            good, bad = await a_tenant(stores), await a_tenant(stores)
        path = options.data_dir / "tenants" / bad / "main.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE late (x TEXT)")
        _with_one_more_migration(monkeypatch)

        async with open_migrator(options, StoreClock()) as migrator:
            report = await migrator.upgrade_tenants(parallel=2)

        assert [failure.store for failure in report.failures] == [bad]
        assert "already exists" in report.failures[0].reason
        async with make_stores("sqlite", tmp_path) as stores:
            await _look(stores, good)
            with pytest.raises(TenantUnavailable):
                await _look(stores, bad)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("DROP TABLE late")
        async with make_stores("sqlite", tmp_path) as stores:
            await _look(stores, bad)


async def _look(stores: Any, tenant: TenantId) -> None:
    await stores.tenants.read(
        tenant, lambda tx: tx.one("SELECT seq FROM followers WHERE tenant_id = :tenant_id")
    )


def _with_one_more_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Migration(
        version=9_001, name="late", up="CREATE TABLE late (x TEXT);", down="", checksum="late"
    )

    def discovered(dialect: str, kind: StoreKind) -> tuple[Migration, ...]:
        known = discover(dialect, kind)
        return (*known, late) if kind is StoreKind.TENANT else known

    base = "tidemill.infrastructure.database"
    for module in ("migrate", "sqlite.migrating", "sqlite.assembly"):
        monkeypatch.setattr(f"{base}.{module}.discover", discovered)


async def test_migrator_integration_is_refused_while_a_server_holds_the_directory(
    tmp_path: Path,
) -> None:
    async with store_options("sqlite", tmp_path) as options, make_stores("sqlite", tmp_path):
        with pytest.raises(DataDirectoryInUse):
            async with open_migrator(options, StoreClock()):
                pass


async def test_inspector_integration_reads_beside_the_server_that_holds_the_directory(
    kind: StoresKind, tmp_path: Path
) -> None:
    async with store_options(kind, tmp_path) as options:
        stores = await open_stores(options, StoreClock())
        try:
            await a_tenant(stores)
            async with open_inspector(options, StoreClock()) as schema:
                statuses = await schema.status(tenants=True)
                problems = await schema.check()
        finally:
            await stores.close()

    assert {status.kind for status in statuses} == set(StoreKind)
    assert all(status.version > 0 and not status.pending for status in statuses)
    assert problems == []


async def test_inspector_integration_finds_all_pending_where_nothing_is_and_makes_nothing(
    tmp_path: Path,
) -> None:
    async with store_options("sqlite", tmp_path) as options:
        before = sorted(options.data_dir.rglob("*"))
        async with open_inspector(options, StoreClock()) as schema:
            problems = await schema.check()

        assert [problem.split()[0] for problem in problems] == ["control", "jobs"]
        assert sorted(options.data_dir.rglob("*")) == before

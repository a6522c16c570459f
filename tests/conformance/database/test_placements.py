"""Logins without privileges, further databases, and what each placement promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import pytest

from tests.fixtures.prepared import granting
from tests.fixtures.services import need
from tests.fixtures.stores import StoreClock, a_tenant, make_stores, store_options
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database import Stores, open_stores
from tidemill.infrastructure.database.migrations import Migration, MigrationFailed
from tidemill.infrastructure.database.postgres import places
from tidemill.infrastructure.database.postgres.migrating import downgrade_schema, upgrade_schema

pytestmark = pytest.mark.anyio

_ADD = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, 0)"
_ALL_NAMES = "SELECT name FROM followers WHERE tenant_id = :tenant_id OR tenant_id <> ''"


async def _names(stores: Stores, tenant: TenantId) -> list[str]:
    return [row[0] for row in await stores.tenants.read(tenant, lambda tx: tx.all(_ALL_NAMES))]


@asynccontextmanager
async def _plain_login(url: str, name: str) -> AsyncIterator[str]:
    """Yield the URL of a login without privileges but to make schemas."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    connection = await asyncpg.connect(url)
    try:
        database = await connection.fetchval("SELECT current_database()")
        async with granting(connection):
            await connection.execute(
                f"CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'plain';"
                f'GRANT CREATE ON DATABASE "{database}" TO {name}'
            )
        yield urlunsplit(parts._replace(netloc=f"{name}:plain@{host}"))
    finally:
        await connection.close()


async def test_pool_integration_keeps_tenants_apart_for_a_login_that_owns_the_tables(
    postgres_url: str, tmp_path: Path
) -> None:
    """U8: row-level security is forced, so that it binds the owner too."""
    async with (
        store_options("pool", tmp_path) as options,
        _plain_login(postgres_url, f"{options.schema_prefix}plain") as url,
    ):
        stores = await open_stores(msgspec.structs.replace(options, url=url), StoreClock())
        try:
            one, two = await a_tenant(stores), await a_tenant(stores)
            await stores.tenants.write(one, lambda tx: tx.execute(_ADD, name="of one"))
            found = [await _names(stores, tenant) for tenant in (one, two)]
        finally:
            await stores.close()

    assert found == [["of one"], []]


async def test_pool_integration_migrates_the_rows_of_all_tenants_for_a_login_that_owns_them(
    postgres_url: str, tmp_path: Path
) -> None:
    scripts = (
        """
        CREATE TABLE boats (tenant_id TEXT PRIMARY KEY, name TEXT);
        INSERT INTO boats (tenant_id) VALUES ('one'), ('two')
        """,
        "UPDATE boats SET name = 'of ' || tenant_id",
    )
    down = "UPDATE boats SET name = 'was ' || name"
    steps = [
        Migration(version=version, name="boats", up=up, down=down, checksum=up)
        for version, up in enumerate(scripts, start=1)
    ]
    async with store_options("pool", tmp_path) as options:
        login = f"{options.schema_prefix}migrating"
        schema = f"{options.schema_prefix}boats"
        async with _plain_login(postgres_url, login) as url:
            connection = await asyncpg.connect(url)
            try:
                for known in (steps[:1], steps):
                    await upgrade_schema(
                        connection,
                        StoreKind.TENANT,
                        schema,
                        Instant(1),
                        migrations=known,
                        shared_with_role=login,
                    )
                up = await _boats(connection, schema)
                await downgrade_schema(
                    connection,
                    StoreKind.TENANT,
                    schema,
                    1,
                    migrations=steps,
                    shared_with_role=login,
                )
                down_again = await _boats(connection, schema)
            finally:
                await connection.close()

    assert up == ([], ["of two"])
    assert down_again == ([], ["was of two"])


async def _boats(connection: Any, schema: str) -> tuple[list[str], list[str]]:
    """Return what one sees who says no tenant, and what tenant two sees."""
    seen = []
    for tenant in ("", "two"):
        await connection.execute("SELECT set_config('tidemill.tenant_id', $1, false)", tenant)
        rows = await connection.fetch(f'SELECT name FROM "{schema}".boats')
        seen.append([row[0] for row in rows])
    await connection.execute("RESET tidemill.tenant_id")
    return seen[0], seen[1]


async def test_placement_integration_uses_further_databases_before_the_pool(
    postgres_url: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"dsns": {"second": postgres_url}, "schemas_per_database_max": 1}
    async with make_stores("schema", tmp_path, **options) as stores:
        tenants = [await a_tenant(stores) for _ in range(2)]
        for tenant in tenants:
            await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name=tx.tenant_id))
        rows = [await stores.registry.look_up(tenant) for tenant in tenants]
        found = [await _names(stores, tenant) for tenant in tenants]

    # The installation took the one place of the first database.
    assert [(row.dsn, row.kind) for row in rows] == [("second", "schema"), ("second", "pool")]
    assert found == [[tenant] for tenant in tenants]


async def test_pool_integration_puts_every_table_under_forced_security(tmp_path: Path) -> None:
    async with make_stores("pool", tmp_path) as stores:
        tenant = await a_tenant(stores)
        schema = (await stores.registry.look_up(tenant)).schema
        connection = await asyncpg.connect(need("postgres"))
        try:
            rows = await connection.fetch(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE n.nspname = $1 "
                "AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations' "
                "AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND p.oid IS NOT NULL)",
                schema,
            )
        finally:
            await connection.close()

    assert [row[0] for row in rows] == []


async def test_provision_integration_that_fails_is_told_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_stores("schema", tmp_path) as stores:

        async def broken(*_args: object, **_options: object) -> int:
            raise MigrationFailed("0001_base failed: no room.")

        with monkeypatch.context() as patch:
            patch.setattr(places, "upgrade_schema", broken)
            with pytest.raises(Exception, match="failed"):
                await a_tenant(stores, "t1")
        failed = await stores.registry.look_up(TenantId("t1"))
        await a_tenant(stores, "t1")
        active = await stores.registry.look_up(TenantId("t1"))

    assert (failed.state, failed.reason) == ("failed", "0001_base failed: no room.")
    assert active.state == "active"


async def test_open_stores_integration_finishes_what_a_crash_interrupted(tmp_path: Path) -> None:
    async with store_options("schema", tmp_path) as options:
        stores = await open_stores(options, StoreClock())
        await stores.registry.register(TenantId("t1"))
        await stores.close()

        stores = await open_stores(options, StoreClock())
        state = (await stores.registry.look_up(TenantId("t1"))).state
        names = await _names(stores, TenantId("t1"))
        await stores.close()

    assert (state, names) == ("active", [])

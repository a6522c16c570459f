"""Tenants' stores: made once, kept apart, refused when they are not active."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.stores import StoreClock, StoresKind, a_tenant, make_stores, until
from tidemill.core.ids import INSTALLATION, InvalidTenantId, TenantId
from tidemill.core.ports import Tx
from tidemill.core.store_errors import ConstraintViolated, TenantNotFound, TenantUnavailable
from tidemill.infrastructure.database import Stores
from tidemill.infrastructure.database.sql import StatementRefused

pytestmark = pytest.mark.anyio

_ADD = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, 0)"
_NAMES = "SELECT name FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 999"


async def _names(stores: Stores, tenant: TenantId) -> list[str]:
    return [row[0] for row in await stores.tenants.read(tenant, lambda tx: tx.all(_NAMES))]


async def test_provision_integration_50_first_accesses_make_one_store(stores: Stores) -> None:
    """R022: concurrent first access creates and migrates once."""
    tenant = TenantId("fresh")

    async def first_access(number: int) -> None:
        await stores.tenant_stores.provision(tenant)
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name=f"n{number:02}"))

    await asyncio.gather(*(first_access(number) for number in range(50)))

    assert await _names(stores, tenant) == [f"n{number:02}" for number in range(50)]


async def test_register_integration_by_processes_that_begin_together_makes_one_row(
    stores: Stores,
) -> None:
    """Whoever comes second must not be told of the unique key that its INSERT met first."""
    for number in range(100):
        tenant = TenantId(f"t{number}")

        rows = await asyncio.gather(*(stores.registry.register(tenant) for _ in range(4)))

        assert rows == [rows[0]] * 4


async def test_provision_integration_again_keeps_what_is_there(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="a"))

    await stores.tenant_stores.provision(tenant)

    assert await _names(stores, tenant) == ["a"]


async def test_open_stores_integration_provisions_the_installation(stores: Stores) -> None:
    assert await _names(stores, INSTALLATION) == []


async def test_read_integration_of_an_unknown_tenant_is_not_found(stores: Stores) -> None:
    with pytest.raises(TenantNotFound):
        await _names(stores, TenantId("nobody"))


async def test_write_integration_to_an_inactive_tenant_is_unavailable(stores: Stores) -> None:
    tenant, other = await a_tenant(stores), await a_tenant(stores)
    for state in ("suspended", "failed", "provisioning", "deleting", "migrating"):
        await _set_state(stores, tenant, state)

        with pytest.raises(TenantUnavailable):
            await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="a"))

    assert await _names(stores, other) == [], "the other tenant must be served"


async def _set_state(stores: Stores, tenant: TenantId, state: str) -> None:
    def use_case(tx: Tx) -> None:
        tx.execute("UPDATE tenants SET state = :state WHERE id = :tenant_id", state=state)
        tx.invalidate("tenant", tenant)

    await stores.control.write(tenant, use_case)
    await until(lambda: tenant not in stores.registry._cache)


async def test_read_integration_never_shows_another_tenants_rows(stores: Stores) -> None:
    """U8, A1: the same table, two tenants."""
    one, two = await a_tenant(stores), await a_tenant(stores)
    await stores.tenants.write(one, lambda tx: tx.execute(_ADD, name="of one"))

    def every_row(tx: Tx) -> list[str]:
        # This statement names the tenant, and yet asks for the rows of all.
        rows = tx.all("SELECT name FROM followers WHERE tenant_id <> '' OR tenant_id = :tenant_id")
        return [row[0] for row in rows]

    assert await _names(stores, two) == []
    assert await stores.tenants.read(two, every_row) == []
    assert await stores.tenants.read(one, every_row) == ["of one"]


async def test_write_integration_cannot_write_for_another_tenant(
    stores: Stores, kind: StoresKind
) -> None:
    one, two = await a_tenant(stores), await a_tenant(stores)
    sql = "INSERT INTO followers (tenant_id, name, seq) VALUES (:other, :tenant_id, 0)"

    if kind == "pool":
        with pytest.raises(Exception, match="row-level security"):
            await stores.tenants.write(two, lambda tx: tx.execute(sql, other=one))
    else:
        await stores.tenants.write(two, lambda tx: tx.execute(sql, other=one))

    assert await _names(stores, one) == []


async def test_connections_integration_keep_nothing_of_the_last_tenant(
    kind: StoresKind, tmp_path: Path
) -> None:
    """A4, U10: with one connection, A's transaction leaves B nothing, whatever A did."""
    async with make_stores(kind, tmp_path, pool_size_max=1, open_files_max=1) as stores:
        one, two = await a_tenant(stores), await a_tenant(stores)
        await stores.tenants.write(one, lambda tx: tx.execute(_ADD, name="of one"))
        with pytest.raises(ZeroDivisionError):
            await stores.tenants.write(one, lambda _tx: 1 // 0)

        assert await _names(stores, two) == []
        assert await _names(stores, one) == ["of one"]
        if kind != "sqlite":
            assert await stores.control.read(one, _session_state) == ("", "postgres")


def _session_state(tx: Tx) -> tuple[str, str]:
    row = tx.one("SELECT current_setting('tidemill.tenant_id', true), CAST(current_user AS TEXT)")
    assert row is not None
    return row[0] or "", row[1]


_LEAVING = (
    "SELECT name FROM followers",
    "SELECT name FROM followers WHERE name = ':tenant_id'",
    "SELECT name FROM followers -- :tenant_id",
    "COMMIT",
    "/* :tenant_id */ ROLLBACK",
    "PRAGMA foreign_keys = OFF",
    "SET ROLE postgres",
    "ATTACH 'x' AS y",
    "SELECT set_config('search_path', :tenant_id, false)",
    "",
)


async def test_execute_integration_refuses_statements_that_leave_the_tenant(
    stores: Stores,
) -> None:
    """U9: no statement without the tenant, none that changes the connection."""
    tenant = await a_tenant(stores, "t1")
    refused = []

    for statement in _LEAVING:
        try:
            await stores.tenants.write(tenant, partial(_execute, statement))
        except StatementRefused:
            refused.append(statement)

    assert refused == [*_LEAVING]


def _execute(statement: str, tx: Tx) -> None:
    tx.execute(statement)


async def test_execute_integration_refuses_two_statements_in_one(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    sql = f"{_ADD}; DELETE FROM followers WHERE tenant_id = :tenant_id"

    with pytest.raises(Exception, match=r"one statement|multiple commands"):
        await stores.tenants.write(tenant, lambda tx: tx.execute(sql, name="a"))


_hostile = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            *("../x", "", "\0", "a/b", "a\\b", "con", "NUL", "control", "jobs", ".", ".."),
            *("a b", "a" * 65, 'a";DROP SCHEMA x', "a'b", "ä", "a\n", "t1\0", "%2e%2e"),
        ]
    ),
).filter(lambda text: not _is_plain(text))


def _is_plain(text: str) -> bool:
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    reserved = {"con", "prn", "aux", "nul", "control", "jobs"}
    fits = 1 <= len(text) <= 64 and set(text) <= set(plain)
    return fits and text.lower() not in reserved


@given(hostile=_hostile)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_stores_integration_refuse_hostile_tenant_ids(stores: Stores, hostile: str) -> None:
    """R021, U9: refused before any path or SQL."""
    tenant = TenantId(hostile)

    for database in (stores.tenants, stores.control, stores.jobs):
        for call in (database.read, database.write):
            with pytest.raises(InvalidTenantId):
                await call(tenant, lambda _tx: pytest.fail("it ran"))
    with pytest.raises(InvalidTenantId):
        await stores.tenant_stores.provision(tenant)


async def test_provision_integration_of_ids_that_differ_in_case_alone_is_refused(
    stores: Stores,
) -> None:
    """R021: some file systems would give both one directory."""
    await a_tenant(stores, "Abc")

    with pytest.raises(ConstraintViolated):
        await a_tenant(stores, "aBC")


async def test_placement_integration_falls_to_the_pool_when_schemas_run_out(
    tmp_path: Path,
) -> None:
    async with make_stores("schema", tmp_path, schemas_per_database_max=3) as stores:
        tenants = [await a_tenant(stores) for _ in range(4)]

        kinds = [(await stores.registry.look_up(tenant)).kind for tenant in tenants]

        assert kinds == ["schema", "schema", "pool", "pool"]  # The installation has one too.
        for tenant in tenants:
            await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name=tx.tenant_id))
        assert [await _names(stores, tenant) for tenant in tenants] == [[t] for t in tenants]


async def test_registry_integration_verifies_placements_when_changes_are_silent(
    stores: Stores, clock: StoreClock
) -> None:
    tenant = await a_tenant(stores)
    await _names(stores, tenant)
    await stores.invalidations.stop()  # type: ignore[attr-defined]

    def use_case(tx: Tx) -> None:
        tx.execute("UPDATE tenants SET state = 'suspended' WHERE id = :tenant_id")

    await stores.control.write(tenant, use_case)
    clock.advance(6)

    with pytest.raises(TenantUnavailable):
        await _names(stores, tenant)

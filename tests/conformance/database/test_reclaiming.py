"""What deleted rows leave behind, and that it is given to new ones."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.stores import a_tenant
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

_FOLLOW = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, 1)"
_FORGET = "DELETE FROM followers WHERE tenant_id = :tenant_id"
_COUNT = "SELECT COUNT(*) FROM followers WHERE tenant_id = :tenant_id"
# How much room is given back is for PostgreSQL to say: others may still look at deleted rows.
_LEFT = {
    "sqlite": "SELECT freelist_count FROM pragma_freelist_count() WHERE :tenant_id <> ''",
    "postgres": """
        SELECT pg_stat_get_vacuum_count(CAST('followers' AS regclass)) WHERE :tenant_id <> ''
    """,
}


async def test_reclaim_integration_frees_the_place_of_deleted_rows(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    def fill(tx: Tx) -> None:
        for number in range(500):
            tx.execute(_FOLLOW, name=f"follower {number}")

    def freed(tx: Tx) -> int:
        row = tx.one(_LEFT[tx.dialect])
        assert row is not None
        return int(row[0])

    await stores.tenants.write(tenant, fill)
    before = await stores.tenants.read(tenant, freed)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FORGET))
    await stores.tenants.reclaim(tenant, "followers")

    assert await stores.tenants.read(tenant, freed) > before


async def test_reclaim_integration_leaves_rows_and_their_writers_alone(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    async def write(number: int) -> None:
        await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name=f"{number}"))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(write(number))
            group.create_task(stores.tenants.reclaim(tenant, "followers"))

    row = await stores.tenants.read(tenant, lambda tx: tx.one(_COUNT))
    assert row is not None
    assert row[0] == 20

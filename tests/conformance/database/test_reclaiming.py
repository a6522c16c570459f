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
_SIZE = {
    "sqlite": "SELECT page_count FROM pragma_page_count() WHERE :tenant_id <> ''",
    "postgres": "SELECT pg_relation_size('followers') WHERE :tenant_id <> ''",
}


async def test_reclaim_integration_gives_the_place_of_deleted_rows_to_new_ones(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)

    def fill(tx: Tx) -> None:
        for number in range(500):
            tx.execute(_FOLLOW, name=f"follower {number}")

    def size(tx: Tx) -> int:
        row = tx.one(_SIZE[tx.dialect])
        assert row is not None
        return int(row[0])

    await stores.tenants.write(tenant, fill)
    first = await stores.tenants.read(tenant, size)
    for _ in range(3):
        await stores.tenants.write(tenant, lambda tx: tx.execute(_FORGET))
        await stores.tenants.reclaim(tenant, "followers")
        await stores.tenants.write(tenant, fill)

    # A page or two for what others still look at: without it there would be four times as many.
    assert await stores.tenants.read(tenant, size) < 2 * first


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

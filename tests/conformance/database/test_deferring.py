"""Statements that wait for the commit of their transaction."""

from __future__ import annotations

from typing import Final

import pytest

from tests.fixtures.stores import a_tenant
from tidemill.core.ports import Tx
from tidemill.core.store_errors import ConstraintViolated
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

_FOLLOW: Final = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, :seq)"
_MOVE: Final = "UPDATE followers SET seq = :seq WHERE tenant_id = :tenant_id AND name = :name"
_FOLLOWERS: Final = """
    SELECT name, seq FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 9
"""


async def test_defer_integration_commits_a_statement_that_is_alone(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    await stores.tenants.write(tenant, lambda tx: tx.defer(_FOLLOW, name="a", seq=7))

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert [tuple(row) for row in rows] == [("a", 7)]


async def test_defer_integration_keeps_the_order_of_statements(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    def use_case(tx: Tx) -> list[tuple[object, ...]]:
        tx.defer(_FOLLOW, name="a", seq=1)
        tx.defer(_MOVE, name="a", seq=2)
        seen = [tuple(row) for row in tx.all(_FOLLOWERS)]
        tx.defer(_MOVE, name="a", seq=3)
        return seen

    seen = await stores.tenants.write(tenant, use_case)

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert (seen, [tuple(row) for row in rows]) == ([("a", 2)], [("a", 3)])


async def test_defer_integration_undoes_a_statement_when_the_use_case_raises(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)

    def use_case(tx: Tx) -> None:
        tx.defer(_FOLLOW, name="a", seq=1)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await stores.tenants.write(tenant, use_case)

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert list(rows) == []


@pytest.mark.parametrize("others", [0, 1])
async def test_defer_integration_names_a_broken_constraint(stores: Stores, others: int) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=1))

    def use_case(tx: Tx) -> None:
        for number in range(others):
            tx.execute(_FOLLOW, name=f"b{number}", seq=1)
        tx.defer(_FOLLOW, name="a", seq=2)

    with pytest.raises(ConstraintViolated):
        await stores.tenants.write(tenant, use_case)

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert [tuple(row) for row in rows] == [("a", 1)]


async def test_all_alone_integration_returns_what_its_statement_has_written(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)

    rows = await stores.tenants.write(
        tenant, lambda tx: tx.all_alone(f"{_FOLLOW} RETURNING name", name="a", seq=7)
    )

    kept = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert [tuple(row) for row in rows] == [("a",)]
    assert [tuple(row) for row in kept] == [("a", 7)]


async def test_all_alone_integration_is_undone_with_what_came_before_it(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    def use_case(tx: Tx) -> None:
        tx.execute(_FOLLOW, name="a", seq=1)
        tx.all_alone(f"{_FOLLOW} RETURNING name", name="b", seq=1)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await stores.tenants.write(tenant, use_case)

    assert not await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))

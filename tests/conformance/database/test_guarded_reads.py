"""Reads that may read only so much, and take only so long."""

from __future__ import annotations

import pytest

from tests.fixtures.stores import a_tenant
from tidemill.core.ports import ReadGuard
from tidemill.core.store_errors import ReadTookTooLong
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

_GUARD = ReadGuard(
    tables=frozenset({"followers", "n"}), functions=frozenset({"count"}), milliseconds_max=50
)
_COUNT = "SELECT COUNT(*) FROM followers WHERE tenant_id = :tenant_id AND name <> :name"
_FOLLOW = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, 'a', 1)"
_ENDLESS = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE :tenant_id <> '')
    SELECT COUNT(*) FROM n
"""


async def test_all_guarded_integration_ends_what_takes_too_long(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    with pytest.raises(ReadTookTooLong, match="50 ms"):
        await stores.tenants.read(tenant, lambda tx: tx.all_guarded(_ENDLESS, _GUARD))

    rows = await stores.tenants.read(
        tenant,
        lambda tx: (tx.all_guarded(_COUNT, _GUARD, name="b"), tx.all("SELECT :tenant_id AS t")),
    )
    assert [tuple(row) for row in rows[0]] == [(0,)]
    assert len(rows[1]) == 1, "what comes behind it is not guarded"


async def test_all_guarded_integration_never_writes(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    with pytest.raises(Exception, match=r"not authorized|read-only|forbids"):
        await stores.tenants.read(tenant, lambda tx: tx.all_guarded(_FOLLOW, _GUARD))
    with pytest.raises(RuntimeError, match="only reads"):
        await stores.tenants.write(tenant, lambda tx: tx.all_guarded(_COUNT, _GUARD, name="b"))

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_COUNT, name="b"))
    assert [tuple(row) for row in rows] == [(0,)]

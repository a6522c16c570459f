"""What a part of a transaction promises that may be refused."""

from __future__ import annotations

from typing import Final

import pytest

from tests.fixtures.facts import LampLit
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import system
from tidemill.core.errors import InvalidInput
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

_FOLLOW: Final = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, :seq)"
_FOLLOWERS: Final = "SELECT name FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 9"
_STREAM: Final = "SELECT seq, subject FROM stream WHERE tenant_id = :tenant_id ORDER BY seq LIMIT 9"


@pytest.mark.each_database(reason="savepoints are each database's own")
async def test_attempt_integration_undoes_all_of_a_part_that_is_refused(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    called: list[str] = []

    def use_case(tx: Tx) -> None:
        def part(name: str, refusal: Exception | None) -> str:
            tx.defer(_FOLLOW, name=name, seq=1)
            tx.record(LampLit(lamp_id=name), by=system("test", tenant))
            tx.audit("test.lamps.light", by=system("test", tenant), resource=f"lamp:{name}")
            tx.after_commit(lambda: called.append(name))
            if refusal is not None:
                raise refusal
            return name

        assert tx.attempt(lambda: part("a", None)) == "a"
        for name in ("b", "c"):
            with pytest.raises(InvalidInput):
                tx.attempt(lambda name=name: part(name, InvalidInput("no")))  # type: ignore[misc]
        assert tx.attempt(lambda: part("d", None)) == "d"

    await stores.tenants.write(tenant, use_case)

    followers, stream = await stores.tenants.read(
        tenant, lambda tx: (tx.all(_FOLLOWERS), tx.all(_STREAM))
    )
    assert [row[0] for row in followers] == ["a", "d"]
    assert [(row[0], row[1]) for row in stream] == [(1, "a"), (2, "d")]
    assert called == ["a", "d"]

    def broken(tx: Tx) -> None:
        def part() -> None:
            raise LookupError("a mistake")

        tx.execute(_FOLLOW, name="e", seq=1)
        tx.attempt(part)

    with pytest.raises(LookupError):
        await stores.tenants.write(tenant, broken)
    assert len(await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))) == 2

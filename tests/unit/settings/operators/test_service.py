from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.stores import KINDS_BY_TIER, StoreClock, StoresKind, a_tenant, make_stores
from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.ids import TenantId
from tidemill.core.operators import is_operator
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio


def actor(tenant_id: TenantId, role: Role = Role.OWNER, kind: ActorKind = ActorKind.USER) -> Actor:
    return Actor(kind=kind, id="a", tenant_id=tenant_id, role=role)


@pytest.mark.parametrize("kind", KINDS_BY_TIER)
async def test_is_operator_is_true_for_owners_of_the_first_tenant_only(
    kind: StoresKind, tmp_path: Path
) -> None:
    clock = StoreClock()
    async with make_stores(kind, tmp_path, clock=clock) as stores:
        operators = FirstOwners(stores.control)
        assert not await is_operator(operators, actor(TenantId("none")))
        assert await is_operator(operators, system("cli"))

        first = await a_tenant(stores)
        clock.advance(5)
        second = await a_tenant(stores)

        assert await is_operator(operators, actor(first))
        assert await is_operator(operators, actor(first, kind=ActorKind.API_TOKEN))
        assert not await is_operator(operators, actor(first, Role.ADMIN))
        assert not await is_operator(operators, actor(first, kind=ActorKind.JOB))
        assert not await is_operator(operators, actor(second))
        assert not await is_operator(operators, system("relay", first))

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.actors import a_person
from tidemill.core.actor import Actor
from tidemill.core.ids import TenantId
from tidemill.jobs.errors import TooManyWaits, WaitEnded
from tidemill.jobs.queueing.queue.waits import WaitLimits, Waits

pytestmark = pytest.mark.anyio

ADA = a_person(TenantId("one"))
BOB = structs.replace(ADA, id="bob")
EVE = structs.replace(ADA, tenant_id=TenantId("two"))


@pytest.mark.parametrize(
    ("limits", "waiting", "refused"),
    [
        (WaitLimits(per_actor_max=1), ADA, ADA),
        (WaitLimits(per_tenant_max=1), ADA, BOB),
        (WaitLimits(all_max=1), ADA, EVE),
    ],
    ids=["actor", "tenant", "all"],
)
def test_taken_refuses_beyond_each_limit_until_somebody_leaves(
    limits: WaitLimits, waiting: Actor, refused: Actor
) -> None:
    waits = Waits(limits=limits)
    with waits.taken(waiting):
        with pytest.raises(TooManyWaits), waits.taken(refused):
            pass
        assert waits.open == 1

    assert waits.open == 0
    with waits.taken(refused):
        assert waits.open == 1


def test_taken_counts_each_actor_of_each_tenant_by_itself() -> None:
    waits = Waits(limits=WaitLimits(per_actor_max=1))

    with waits.taken(ADA), waits.taken(BOB), waits.taken(EVE):
        assert waits.open == 3


async def test_check_raises_once_the_credential_has_ended() -> None:
    valid = {ADA.id}

    async def still_valid(actor: Actor) -> bool:
        return actor.id in valid

    waits = Waits(still_valid)
    await waits.check(ADA)
    valid.clear()

    with pytest.raises(WaitEnded):
        await waits.check(ADA)

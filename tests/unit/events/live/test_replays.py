from __future__ import annotations

import pytest

from tests.fixtures.stores import StoreClock
from tests.unit.events.world import a_user
from tidemill.core.ids import TenantId
from tidemill.events.errors import TooManyReplays
from tidemill.events.live.replays import Replays
from tidemill.infrastructure.cache import MemoryRateLimiter

pytestmark = pytest.mark.anyio

TENANT = TenantId("crew")


async def test_admit_lets_one_actor_read_the_past_so_often_a_minute() -> None:
    clock = StoreClock()
    replays = Replays(MemoryRateLimiter(clock), per_minute=2)
    ada, bob = a_user(TENANT, user_id="ada"), a_user(TENANT, user_id="bob")
    await replays.admit(ada, 0)
    await replays.admit(ada, 7)

    with pytest.raises(TooManyReplays):
        await replays.admit(ada, 7)
    await replays.admit(bob, 7)
    clock.advance(60)
    await replays.admit(ada, 7)


async def test_admit_does_not_count_who_follows_from_now_on() -> None:
    replays = Replays(MemoryRateLimiter(StoreClock()), per_minute=1)

    for _ in range(3):
        await replays.admit(a_user(TENANT), None)

from __future__ import annotations

import pytest

from tests.fixtures.stores import StoreClock
from tidemill.infrastructure.cache import MemoryRateLimiter

pytestmark = pytest.mark.anyio


class Still(StoreClock):
    def monotonic(self) -> float:
        return self.offset_seconds


async def test_take_refills_exactly_with_time() -> None:
    """Defect 2 of 2.9: after the burst, 100 in a minute and not one."""
    clock = Still()
    limiter = MemoryRateLimiter(clock)
    allowed = 0
    for _ in range(60):
        clock.advance(1)
        for _ in range(20):
            allowed += (await limiter.take("a", per_minute=100, burst=100)).allowed

    assert 198 <= allowed <= 200


async def test_take_forgets_the_oldest_of_too_many_keys() -> None:
    limiter = MemoryRateLimiter(Still(), buckets_max=3)
    for key in "abcdabcd":
        await limiter.take(key, per_minute=1, burst=2)

    assert len(limiter) == 3

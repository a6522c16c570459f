"""What every `RateLimiter` promises, in memory and in Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.fixtures.redis_keys import forget
from tests.fixtures.run import unique_name
from tests.fixtures.services import need
from tidemill.core.ports import RateLimiter, RateLimitState
from tidemill.infrastructure.cache import MemoryRateLimiter
from tidemill.infrastructure.cache.redis_limiter import RedisRateLimiter
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def key() -> str:
    return unique_name()


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, key: str) -> AsyncIterator[RateLimiter]:
    if request.param == "memory":
        yield MemoryRateLimiter(SystemClock())
        return
    limiter = RedisRateLimiter(need("redis"), SystemClock(), answer_seconds_max=60)
    yield limiter
    assert limiter.is_shared, "Redis did not count, so nothing was proved"
    await limiter.close()
    await forget(key)


async def test_take_allows_the_burst_and_no_more(limiter: RateLimiter, key: str) -> None:
    began = time.monotonic()

    answers = [await limiter.take(key, per_minute=1, burst=5) for _ in range(7)]

    passed = time.monotonic() - began

    assert [answer.allowed for answer in answers] == [True] * 5 + [False] * 2
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert answers[-1].limit == 5
    assert 60 - passed - 0.001 < answers[-1].retry_after_seconds <= 60
    assert 300 - passed - 0.001 < answers[-1].reset_seconds <= 300


async def test_take_refills_the_whole_rate_in_each_window(limiter: RateLimiter, key: str) -> None:
    """Defect 2 of 2.9: the refill is the maximum in each window, not one in each window."""

    async def take() -> RateLimitState:
        return await limiter.take(key, per_minute=6000, burst=20)

    empty = False
    while not empty:
        began = time.monotonic()
        empty = not (await take()).allowed
    allowed = 0
    while allowed < 30:
        state = await take()
        allowed += state.allowed
        if not state.allowed:
            assert 0 < state.retry_after_seconds <= 0.011
        await asyncio.sleep(0)

    # 100 in a second: 30 take 0.3 s, where one in each window would take half an hour.
    assert 0.25 < time.monotonic() - began < 60


async def test_take_counts_each_key_by_itself(limiter: RateLimiter, key: str) -> None:
    await limiter.take(f"{key}:a", per_minute=1, burst=1)

    assert not (await limiter.take(f"{key}:a", per_minute=1, burst=1)).allowed
    assert (await limiter.take(f"{key}:b", per_minute=1, burst=1)).allowed


async def test_take_subtracts_the_cost_or_nothing(limiter: RateLimiter, key: str) -> None:
    assert (await limiter.take(key, per_minute=1, burst=10, cost=7)).remaining == 3
    refused = await limiter.take(key, per_minute=1, burst=10, cost=4)
    assert (refused.allowed, refused.remaining) == (False, 3)
    assert (await limiter.take(key, per_minute=1, burst=10, cost=3)).allowed


async def test_take_at_once_allows_exactly_the_burst(limiter: RateLimiter, key: str) -> None:
    answers = await asyncio.gather(*(limiter.take(key, per_minute=1, burst=10) for _ in range(40)))

    assert sum(answer.allowed for answer in answers) == 10


async def test_take_never_fits_a_cost_over_the_burst(limiter: RateLimiter, key: str) -> None:
    state = await limiter.take(key, per_minute=60, burst=3, cost=5)

    assert not state.allowed
    assert state.retry_after_seconds == 0


async def test_take_follows_a_limit_that_changes(limiter: RateLimiter, key: str) -> None:
    await limiter.take(key, per_minute=1, burst=100)

    answers = [await limiter.take(key, per_minute=1, burst=3) for _ in range(4)]

    assert [answer.allowed for answer in answers] == [True, True, True, False]


@pytest.mark.parametrize(("per_minute", "burst", "cost"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
async def test_take_refuses_limits_without_sense(
    limiter: RateLimiter, key: str, per_minute: int, burst: int, cost: int
) -> None:
    with pytest.raises(ValueError, match="bucket"):
        await limiter.take(key, per_minute=per_minute, burst=burst, cost=cost)

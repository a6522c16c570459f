"""Where rate limits are counted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from tidemill.core.clock import Clock
from tidemill.core.ports import RateLimiter
from tidemill.infrastructure.cache.memory_limiter import MemoryRateLimiter


@contextlib.asynccontextmanager
async def open_rate_limiter(
    url: str, clock: Clock, *, answer_seconds_max: float
) -> AsyncIterator[RateLimiter]:
    """Count in the Redis at `url`, or in this process when that is empty."""
    if not url:
        yield MemoryRateLimiter(clock)
        return
    # Loaded only where it is used: the driver and what it brings cost 0.1 s at each start.
    from tidemill.infrastructure.cache.redis_limiter import (  # noqa: PLC0415 - as above
        RedisRateLimiter,
    )

    limiter = RedisRateLimiter(url, clock, answer_seconds_max=answer_seconds_max)
    try:
        yield limiter
    finally:
        await limiter.close()

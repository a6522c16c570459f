"""Token buckets in Redis, shared by every process; counted here while Redis is away."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from tidemill.core.clock import Clock
from tidemill.core.ports import RateLimitState
from tidemill.infrastructure.cache import bucket
from tidemill.infrastructure.cache.memory_limiter import MemoryRateLimiter

log = structlog.get_logger(__name__)

_PREFIX: Final = "tidemill:rate:"
_away_seconds: Final = 1.0
_connections_max: Final = 32

# One round trip reads, fills, takes and keeps. Redis' own clock is the one that all share.
_TAKE: Final = """
local per_minute, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or burst
local elapsed = math.max(0, now - (tonumber(held[2]) or now))
tokens = math.min(burst, tokens + elapsed * per_minute / 60000000)
local allowed = 0
if tokens >= cost then
  tokens = tokens - cost
  allowed = 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens),
  'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) * 60000 / per_minute) + 1000)
return {allowed, string.format('%.17g', tokens)}
"""


class RedisRateLimiter:
    """See `RateLimiter`. While Redis does not answer in time, this process counts by itself.

    After a failure Redis is left alone for a second; then one request tries it again.
    """

    def __init__(self, url: str, clock: Clock, *, answer_seconds_max: float = 0.1) -> None:
        # It waits for a free connection: a burst of requests is no reason to count elsewhere.
        pool = BlockingConnectionPool.from_url(
            url,
            timeout=answer_seconds_max,
            socket_timeout=answer_seconds_max,
            socket_connect_timeout=answer_seconds_max,
            max_connections=_connections_max,
            decode_responses=True,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._script = self._redis.register_script(_TAKE)
        self._answer_seconds_max = answer_seconds_max
        self._clock = clock
        self._memory = MemoryRateLimiter(clock)
        self._away_until: float | None = None

    @property
    def is_shared(self) -> bool:
        """Return whether Redis counts; false while this process counts by itself."""
        return self._away_until is None

    async def take(self, key: str, *, per_minute: int, burst: int, cost: int = 1) -> RateLimitState:
        """See `RateLimiter.take`."""
        bucket.check(per_minute, burst, cost)
        if self._may_ask():
            try:
                async with asyncio.timeout(self._answer_seconds_max):
                    allowed, tokens = await self._script(
                        keys=[_PREFIX + key], args=[per_minute, burst, cost]
                    )
            except (RedisError, OSError, TimeoutError) as error:
                self._went_away(error)
            else:
                self._came_back()
                return bucket.state_of(
                    float(tokens),
                    allowed=bool(allowed),
                    per_minute=per_minute,
                    burst=burst,
                    cost=cost,
                )
        return await self._memory.take(key, per_minute=per_minute, burst=burst, cost=cost)

    async def check(self) -> str | None:
        """Return why Redis cannot be used right now, or None."""
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return f"Redis does not answer ({type(error).__name__}); limits are counted here."
        return None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    def _may_ask(self) -> bool:
        if self._away_until is None:
            return True
        if self._clock.monotonic() < self._away_until:
            return False
        # Only this request tries; those that come meanwhile are counted here.
        self._away_until = self._clock.monotonic() + _away_seconds
        return True

    def _went_away(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("rate_limits.redis.lost", reason=type(error).__name__)
        self._away_until = self._clock.monotonic() + _away_seconds

    def _came_back(self) -> None:
        if self._away_until is not None:
            log.info("rate_limits.redis.restored")
            self._away_until = None

"""Rate limits, counted in this process or in Redis."""

from tidemill.infrastructure.cache.memory_limiter import MemoryRateLimiter
from tidemill.infrastructure.cache.redis_limiter import RedisRateLimiter

__all__ = ["MemoryRateLimiter", "RedisRateLimiter"]

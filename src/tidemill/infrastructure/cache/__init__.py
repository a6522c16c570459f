"""Rate limits, counted in this process or in Redis."""

from tidemill.infrastructure.cache.factory import open_rate_limiter
from tidemill.infrastructure.cache.memory_limiter import MemoryRateLimiter

__all__ = ["MemoryRateLimiter", "open_rate_limiter"]

"""Token buckets in this process."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from tidemill.core.clock import Clock
from tidemill.core.ports import RateLimitState
from tidemill.infrastructure.cache import bucket

buckets_max_default: Final = 100_000


class MemoryRateLimiter:
    """See `RateLimiter`. The buckets used longest ago make room when there are too many."""

    def __init__(self, clock: Clock, *, buckets_max: int = buckets_max_default) -> None:
        self._clock = clock
        self._buckets_max = buckets_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, key: str, *, per_minute: int, burst: int, cost: int = 1) -> RateLimitState:
        """See `RateLimiter.take`."""
        bucket.check(per_minute, burst, cost)
        now = self._clock.monotonic()
        tokens, filled_at = self._buckets.get(key, (float(burst), now))
        tokens = bucket.refilled(tokens, now - filled_at, per_minute=per_minute, burst=burst)
        allowed = tokens >= cost
        if allowed:
            tokens -= cost
        self._keep(key, tokens, now)
        return bucket.state_of(
            tokens, allowed=allowed, per_minute=per_minute, burst=burst, cost=cost
        )

    def __len__(self) -> int:
        """Return how many buckets are held."""
        return len(self._buckets)

    def _keep(self, key: str, tokens: float, now: float) -> None:
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)

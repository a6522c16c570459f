"""How often one actor may read the past of the stream."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.ports import RateLimiter
from tidemill.events.errors import TooManyReplays


class Replays:
    """A replay reads thousands of rows; a client that reconnects in a loop would never stop."""

    def __init__(self, limiter: RateLimiter, *, per_minute: int) -> None:
        self._limiter = limiter
        self._per_minute = per_minute

    async def admit(self, actor: Actor, since: int | None) -> None:
        """Return when `actor` may subscribe from `since` on. Raises `TooManyReplays`."""
        if since is None:
            return
        bucket = f"replays:{actor.tenant_id}:{actor.id}"
        most = self._per_minute
        state = await self._limiter.take(bucket, per_minute=most, burst=most)
        if not state.allowed:
            raise TooManyReplays(state.retry_after_seconds)

"""The arithmetic of token buckets, the same for every adapter."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import RateLimitState

_SECONDS_PER_MINUTE: Final = 60.0


def refilled(tokens: float, elapsed_seconds: float, *, per_minute: int, burst: int) -> float:
    """Return what is in a bucket after `elapsed_seconds`: it gains `per_minute` in a minute."""
    gained = max(0.0, elapsed_seconds) * per_minute / _SECONDS_PER_MINUTE
    return min(float(burst), tokens + gained)


def state_of(
    tokens: float, *, allowed: bool, per_minute: int, burst: int, cost: int
) -> RateLimitState:
    """Return what a bucket with `tokens` left answers."""
    per_second = per_minute / _SECONDS_PER_MINUTE
    # A cost over the burst never fits: the wait is for a full bucket, the best there is.
    missing = 0.0 if allowed else max(0.0, min(cost, burst) - tokens)
    return RateLimitState(
        allowed=allowed,
        limit=burst,
        remaining=int(tokens),
        retry_after_seconds=missing / per_second,
        reset_seconds=(burst - tokens) / per_second,
    )


def check(per_minute: int, burst: int, cost: int) -> None:
    """Refuse limits that no bucket can keep. Raises `ValueError`."""
    if per_minute < 1 or burst < 1 or cost < 0:
        raise ValueError("A bucket needs a rate and a burst of at least 1 and no negative cost.")

"""Instants, and the port that tells the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NewType, Protocol

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z. Integers keep reads cheap and both databases alike."""

MICROSECONDS_PER_SECOND: Final = 1_000_000
MICROSECONDS_PER_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND


class Clock(Protocol):
    """The time, as a port, so that tests own it."""

    def now(self) -> Instant:
        """Return the wall-clock instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


def from_datetime(moment: datetime) -> Instant:
    """Return the instant of an aware `moment`."""
    return Instant(int(moment.timestamp() * MICROSECONDS_PER_SECOND))


def to_datetime(instant: Instant) -> datetime:
    """Return `instant` as an aware UTC datetime."""
    seconds, micros = divmod(instant, MICROSECONDS_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def rfc3339(instant: Instant) -> str:
    """Return `instant` as RFC 3339 text in UTC, as all JSON bodies show it."""
    seconds, micros = divmod(instant, MICROSECONDS_PER_SECOND)
    return f"{_second(seconds)}.{micros:06}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    # The instants of a request lie close together, and those of a page are shown again and again.
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def rfc3339_or_none(instant: Instant | None) -> str | None:
    """Return `instant` as `rfc3339` does, or None for what has not happened."""
    return None if instant is None else rfc3339(instant)


def after(instant: Instant, delta: timedelta) -> Instant:
    """Return the instant that lies `delta` after `instant`."""
    return Instant(instant + delta // timedelta(microseconds=1))


def seconds_after(instant: Instant, seconds: float) -> Instant:
    """Return the instant that lies `seconds` after `instant`."""
    return Instant(instant + int(seconds * MICROSECONDS_PER_SECOND))

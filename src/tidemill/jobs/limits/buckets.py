"""Token buckets, by the instant at which they are full again; no I/O."""

from __future__ import annotations

from msgspec import Struct, structs


class Bucket(Struct, frozen=True):
    """A token comes every interval; `burst` of them fit in. Times are microseconds."""

    interval: int
    burst: int
    full_at: int

    def taken(self, now: int, *, wanted: int, unstarted: int) -> tuple[int, Bucket]:
        """Return how many of `wanted` tokens there are, and the bucket without them.

        `unstarted` jobs have had a token and no worker yet: their tokens do not come back
        meanwhile, so that a long wait for workers does not end in a larger burst.
        """
        full_at = max(self.full_at, now + min(unstarted, self.burst) * self.interval)
        there = max(0, (now - full_at) // self.interval + self.burst)
        granted = min(there, wanted)
        return granted, structs.replace(self, full_at=full_at + granted * self.interval)

    @property
    def next_at(self) -> int:
        """Return when there is a token, at the latest."""
        return self.full_at - (self.burst - 1) * self.interval

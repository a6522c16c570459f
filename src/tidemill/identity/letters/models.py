"""A letter that waits, and when it is tried again."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant

attempts_max: Final = 20
_seconds_first: Final = 10.0
_seconds_max: Final = 3600.0


class Waiting(Struct, frozen=True):
    """A letter in the store, in the order of the columns that a read selects."""

    id: str
    sealed: str
    attempts: int
    expires_at: Instant


def retry_seconds(attempts: int) -> float:
    """Return how long to wait after so many attempts: 10 s, twice as long each time, 1 h at most.

    The last of them is about twelve hours after the first.
    """
    return float(min(_seconds_first * 2 ** (attempts - 1), _seconds_max))

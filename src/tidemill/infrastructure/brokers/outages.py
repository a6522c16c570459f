"""How often a log tells that a broker is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

tell_seconds: Final = 60.0
"""How long a log is silent about a broker that is still away."""


class Outage:
    """Whether a broker that is away is due a line in the log: at once, then now and again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: float | None = None

    def is_due(self) -> bool:
        """Return whether to tell of it; whoever asks does, if so."""
        now = self._clock()
        if self._told_at is not None and now - self._told_at < tell_seconds:
            return False
        self._told_at = now
        return True

    def end(self) -> None:
        """The broker is back: the next time that it goes is told at once."""
        self._told_at = None

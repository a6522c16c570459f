"""The machine's clock."""

from __future__ import annotations

import time

from tidemill.core.clock import Instant


class SystemClock:
    """Tells the time of this machine."""

    def now(self) -> Instant:
        """Return the wall-clock instant."""
        return Instant(time.time_ns() // 1000)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

"""Time limits of functions. Most functions end long before theirs, and cost no timer."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

watch_seconds: Final = 0.05
"""What has not ended by then gets a timer of its own; each function may take a second at least."""


class Limited(Protocol):
    """A function that runs."""

    def limit(self) -> None:
        """Stop it when its time is over."""
        ...


class Deadlines:
    """Ends functions that take too long."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun: list[Limited] = []

    def watch(self, execution: Limited) -> None:
        """End `execution` when its time is over."""
        if not self._begun:
            self._loop.call_later(watch_seconds, self._look)
        self._begun.append(execution)

    def _look(self) -> None:
        begun, self._begun = self._begun, []
        for execution in begun:
            execution.limit()

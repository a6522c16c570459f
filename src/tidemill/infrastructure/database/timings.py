"""How long use cases wait for a store, and how long they take in it."""

from __future__ import annotations

from typing import Final

from tidemill.core.figures import Distribution, Spread

READ: Final = "read"
WRITE: Final = "write"

_SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    10.0,
)  # fmt: skip


class Timings:
    """The times of one kind of store; observed on the loop alone."""

    def __init__(self) -> None:
        self._waited = Distribution(_SECONDS)
        self._taken = {access: Distribution(_SECONDS) for access in (READ, WRITE)}

    def observe(self, access: str, queued_at: float, began_at: float, ended_at: float) -> None:
        """Count one use case by the instants of a clock that never goes back."""
        self._waited.observe(began_at - queued_at)
        self._taken[access].observe(ended_at - began_at)

    def waits(self, store: str) -> list[Spread]:
        """Return how long use cases waited for a thread, a file or a connection."""
        return self._waited.spreads(store)

    def use_cases(self, store: str) -> list[Spread]:
        """Return how long their statements took, without the commit."""
        return [
            spread for access, each in self._taken.items() for spread in each.spreads(store, access)
        ]

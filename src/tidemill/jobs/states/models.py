"""States; no I/O."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.clock import Instant


class State(Struct, frozen=True):
    """What a script has kept; `value` is JSON."""

    path: str
    value: str
    updated_at: Instant
    updated_by: str

"""Progress; no I/O."""

from __future__ import annotations

from msgspec import Struct

from tidemill.core.clock import Instant


class Progress(Struct, frozen=True):
    """How far a job was when it said so last."""

    percent: float
    text: str
    updated_at: Instant

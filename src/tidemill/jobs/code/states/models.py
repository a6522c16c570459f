"""What scripts and functions keep from run to run; no I/O."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.errors import StateTooLarge

state_bytes_max: Final = 64 * 1024


class State(Struct, frozen=True):
    """What is kept; `value` is JSON."""

    value: str
    updated_at: Instant
    updated_by: str


def encoded(value: Any) -> str:
    """Return `value` as it is kept; raises `StateTooLarge`."""
    text = msgspec.json.encode(value)
    if len(text) > state_bytes_max:
        raise StateTooLarge(len(text), state_bytes_max)
    return text.decode()

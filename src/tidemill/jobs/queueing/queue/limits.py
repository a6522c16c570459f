"""How much one may ask of the queue; the configuration may set other figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.jobs.code.functions.models import default_tag


class QueueLimits(Struct, frozen=True, kw_only=True):
    """Limits and defaults, with their units last."""

    isolation_default: str = "sandbox"
    isolations_allowed: tuple[str, ...] = ("sandbox", "warm")
    tag_default: str = default_tag
    timeout_seconds_default: int = 600
    timeout_seconds_max: int = 86_400
    attempts_default: int = 1
    attempts_max: int = 100
    ageing_seconds: int = 60
    priority_max: int = 100
    queued_per_tenant_max: int = 1_000_000
    args_bytes_max: int = 256 * 1024
    wait_seconds_max: float = 60.0
    inline_allowed: bool = True


LimitsFor = Callable[[Actor], Awaitable[QueueLimits]]
"""Gives the limits that hold for an actor at this moment."""

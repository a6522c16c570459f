"""Whether a process can do its work, part by part, as every `/ready` tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

Checks = Mapping[str, Callable[[], Awaitable[str | None]]]
"""Each part's check: None when it works, else one sentence that says what is wrong."""


class PartState(Struct, frozen=True, kw_only=True):
    """One part of the process, and why it does not work, if so.

    Without a part that is not `vital` requests still succeed.
    """

    name: str
    ready: bool
    vital: bool = True
    reason: str | None = None


class ReadyView(Struct, frozen=True, kw_only=True):
    """Whether this process can serve, which only its vital parts decide, and each part."""

    ready: bool
    parts: list[PartState]

    @property
    def status(self) -> int:
        """Return the status code that says it to load balancers."""
        return 200 if self.ready else 503


async def readiness(checks: Checks, optional: frozenset[str] = frozenset()) -> ReadyView:
    """Ask every part, all at once."""
    reasons = await asyncio.gather(*(check() for check in checks.values()))
    parts = [
        PartState(name=name, ready=reason is None, vital=name not in optional, reason=reason)
        for name, reason in zip(checks, reasons, strict=True)
    ]
    return ReadyView(ready=all(part.ready or not part.vital for part in parts), parts=parts)

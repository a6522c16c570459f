"""Calls to addresses that people name, as features make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct

from tidemill.core.module import Port


class CallAnswer(Struct, frozen=True, kw_only=True):
    """A status with the begin of the body, or a sentence that says why there is none."""

    status: int | None = None
    body: str = ""
    problem: str | None = None


class Caller(Protocol):
    """Calls public addresses, and what the operator allows besides; follows no redirect."""

    def refusal(self, url: str) -> str | None:
        """Return why `url` is never called, as far as it shows without asking a name server."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """Send `body` to `url`; what goes wrong is in the answer. Bounded in time and size."""
        ...


CALLER: Final[Port[Caller]] = Port("caller")

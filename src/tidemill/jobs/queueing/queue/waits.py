"""Those who wait for jobs in this process: no more than there is room for, and none unchecked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.jobs.errors import TooManyWaits, WaitEnded


class WaitLimits(Struct, frozen=True, kw_only=True):
    """How many requests may be held open in one process."""

    all_max: int = 5_000
    per_tenant_max: int = 2_500
    per_actor_max: int = 250


class Waits:
    """Requests that are held open until a job ends, or prints something."""

    def __init__(
        self,
        still_valid: Callable[[Actor], Awaitable[bool]] | None = None,
        limits: WaitLimits | None = None,
    ) -> None:
        self._still_valid = still_valid
        self._limits = limits or WaitLimits()
        self._by_tenant: Counter[str] = Counter()
        self._by_actor: Counter[tuple[str, str]] = Counter()

    @property
    def open(self) -> int:
        """Return how many wait."""
        return self._by_tenant.total()

    def check_room(self, actor: Actor) -> None:
        """Return when `actor` may wait once more; raise `TooManyWaits` otherwise."""
        limits = self._limits
        for whose, count, most in (
            ("This server", self.open, limits.all_max),
            ("This tenant", self._by_tenant[actor.tenant_id], limits.per_tenant_max),
            ("This user or token", self._by_actor[_key(actor)], limits.per_actor_max),
        ):
            if count >= most:
                raise TooManyWaits(whose, most)

    @contextmanager
    def taken(self, actor: Actor) -> Iterator[None]:
        """Let `actor` wait for the block; raises `TooManyWaits`."""
        self.check_room(actor)
        self._by_tenant[actor.tenant_id] += 1
        self._by_actor[_key(actor)] += 1
        try:
            yield
        finally:
            _take_back(self._by_tenant, actor.tenant_id)
            _take_back(self._by_actor, _key(actor))

    async def check(self, actor: Actor) -> None:
        """Return while the credential of who waits holds; raise `WaitEnded` otherwise."""
        if self._still_valid is not None and not await self._still_valid(actor):
            raise WaitEnded


def _key(actor: Actor) -> tuple[str, str]:
    return actor.tenant_id, actor.id


def _take_back(counts: Counter[Any], key: object) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]

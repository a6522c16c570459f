"""What `/ready` asks of a process besides its modules: stores, and the services around it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database import DAMAGED_TENANTS, Stores
from tidemill.infrastructure.observability import Health
from tidemill.infrastructure.observability.health import Check

_STORES: Final = {
    "control": StoreKind.CONTROL,
    "jobs": StoreKind.JOBS,
    "tenants": StoreKind.TENANT,
}
kept_seconds: Final = {"mail": 60.0, "blobs": 60.0}
"""Probes come every few seconds, and each would ask the mail server, or a bucket, anew."""


@runtime_checkable
class Checkable(Protocol):
    """An adapter that can tell whether what is behind it works."""

    async def check(self) -> str | None:
        """Return why it does not work, or None."""
        ...


def watch(health: Health, stores: Stores, around: Mapping[str, object]) -> None:
    """Ask the stores, without which no request succeeds, and `around`, which only helps."""
    asked = _OneLook(stores)
    for name, kind in _STORES.items():
        health.add(name, _check_of(asked, kind))
    health.add(DAMAGED_TENANTS, _check_of(asked, DAMAGED_TENANTS), vital=False)
    for name, part in around.items():
        if isinstance(part, Checkable):
            health.add(name, part.check, vital=False, kept=kept_seconds.get(name, 1.0))


class _OneLook:
    """Asks all stores at once for those who ask at the same time."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._asking: asyncio.Task[Mapping[str, str | None]] | None = None

    async def reasons(self) -> Mapping[str, str | None]:
        """Return why each store does not work, or None."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(asking)

    async def _ask(self) -> Mapping[str, str | None]:
        return await self._stores.health()


def _check_of(asked: _OneLook, kind: str) -> Check:
    async def check() -> str | None:
        return (await asked.reasons()).get(kind)

    return check

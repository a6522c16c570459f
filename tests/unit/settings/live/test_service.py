from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.fixtures.stores import a_tenant, make_stores, until
from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.config import Layers
from tidemill.core.errors import Unavailable
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Once, Tx
from tidemill.infrastructure.database import Stores
from tidemill.settings.live.service import LiveSettings
from tidemill.settings.operators.service import FirstOwners
from tidemill.settings.values.service import SettingService

pytestmark = pytest.mark.anyio

T = TypeVar("T")
KEY = "jobs.timeout_seconds_default"


class Gate:
    """The control store behind a gate: answers of reads wait at it, or fail."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self.failing = 0
        self.failure: Exception = Unavailable("The control store is away.")

    async def read(self, tenant_id: TenantId, use_case: Callable[[Tx], T]) -> T:
        if self.failing:
            self.failing -= 1
            raise self.failure
        result = await self._inner.read(tenant_id, use_case)
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        return result

    async def write(
        self, tenant_id: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        return await self._inner.write(tenant_id, use_case, once=once)

    async def reclaim(self, tenant_id: TenantId, table: str) -> None:
        await self._inner.reclaim(tenant_id, table)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with make_stores("sqlite", tmp_path) as stores:
        yield stores


def admin(tenant_id: TenantId) -> Actor:
    return Actor(kind=ActorKind.SYSTEM, id="a", tenant_id=tenant_id, role=Role.OWNER)


async def test_get_for_keeps_nothing_that_was_read_before_a_change(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    gate = Gate(stores.control)
    live = LiveSettings(gate, Layers(), stores.invalidations)
    service = SettingService(stores.control, Layers(), FirstOwners(stores.control))
    gate.open.clear()
    early = asyncio.create_task(live.get_for(KEY, admin(tenant)))
    await until(lambda: gate.waiting)
    heard: list[str] = []
    stores.invalidations.on_change("settings", lambda change: heard.append(change.key))

    await service.put(KEY, 5, actor=admin(tenant))
    await until(lambda: heard)
    gate.open.set()

    assert await early == 600
    assert await live.get_for(KEY, admin(tenant)) == 5


@pytest.mark.parametrize(
    "failure", [Unavailable("The control store is away."), RuntimeError("the driver broke")]
)
async def test_follow_tries_again_when_the_store_was_away(
    stores: Stores, failure: Exception
) -> None:
    gate = Gate(stores.control)
    gate.failure = failure
    live = LiveSettings(gate, Layers(), stores.invalidations)
    service = SettingService(stores.control, Layers(), FirstOwners(stores.control))
    await live.start()
    try:
        gate.failing = 1
        await service.put("log.level", "debug", actor=system("cli"))
        await until(lambda: live.get("log.level") == "debug")
        assert gate.failing == 0
    finally:
        await live.stop()


async def test_on_stored_hands_over_what_a_worker_needs(stores: Stores) -> None:
    live = LiveSettings(stores.control, Layers(), stores.invalidations)
    service = SettingService(stores.control, Layers(), FirstOwners(stores.control))
    heard: list[Mapping[str, Any]] = []

    def fail(stored: Mapping[str, Any]) -> None:
        raise RuntimeError(str(stored))

    live.on_stored(fail)
    live.on_stored(heard.append)
    await live.start()
    try:
        await service.put("log.level", "debug", actor=system("cli"))
        await until(lambda: heard == [{"log.level": "debug"}])
        assert type(live.stored()["log.level"]) is str
        await service.remove("log.level", actor=system("cli"))
        await until(lambda: heard[-1] == {})
    finally:
        await live.stop()

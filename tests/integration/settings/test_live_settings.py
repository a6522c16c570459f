from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fixtures.stores import (
    KINDS_BY_TIER,
    StoreClock,
    StoresKind,
    a_tenant,
    store_options,
    until,
)
from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.config import Layers
from tidemill.core.ids import TenantId, UserId
from tidemill.infrastructure.database import Stores, open_stores
from tidemill.runtime.configuration import load_config
from tidemill.settings.live.service import LiveSettings
from tidemill.settings.operators.service import FirstOwners
from tidemill.settings.values.service import SettingService

pytestmark = pytest.mark.anyio

ROOT = system("cli")
seconds_to_arrive_max = 60.0


class World:
    """Where a setting is written, and a process that follows; on SQLite there is only one."""

    def __init__(self, writer: Stores, follower: Stores) -> None:
        self.writer, self.follower = writer, follower
        self.service = SettingService(writer.control, Layers(), FirstOwners(writer.control))

    def live(self, layers: Layers | None = None) -> LiveSettings:
        stores = self.follower
        return LiveSettings(stores.control, layers or Layers(), stores.invalidations)


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kind: StoresKind = request.param
    async with AsyncExitStack() as stack:
        options = await stack.enter_async_context(store_options(kind, tmp_path))
        writer = await open_stores(options, StoreClock())
        stack.push_async_callback(writer.close)
        follower = writer
        if kind != "sqlite":
            follower = await open_stores(options, StoreClock())
            stack.push_async_callback(follower.close)
        yield World(writer, follower)


def admin(tenant_id: TenantId) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id="admin",
        user_id=UserId("admin"),
        tenant_id=tenant_id,
        role=Role.ADMIN,
    )


async def test_live_settings_integration_a_change_and_a_removal_arrive(
    world: World,
) -> None:
    """S3."""
    live = world.live()
    heard: list[Any] = []
    live.on_change("log.level", heard.append)
    await live.start()
    try:
        assert live.get("log.level") == "info"
        await world.service.put("log.level", "debug", actor=ROOT)
        await until(lambda: heard == ["debug"], seconds=seconds_to_arrive_max)
        assert live.get("log.level") == "debug"

        await world.service.remove("log.level", actor=ROOT)
        await until(lambda: heard == ["debug", "info"], seconds=seconds_to_arrive_max)
    finally:
        await live.stop()


async def test_live_settings_integration_a_stronger_source_keeps_its_value(world: World) -> None:
    live = world.live(load_config(environ={"LOG_LEVEL": "error"}).layers)
    heard: list[Any] = []
    quick: list[Any] = []
    live.on_change("log.level", heard.append)
    live.on_change("limits.logins_per_minute", quick.append)
    await live.start()
    try:
        await world.service.put("log.level", "debug", actor=ROOT)
        await world.service.put("limits.logins_per_minute", 7, actor=ROOT)
        await until(lambda: quick == [7], seconds=seconds_to_arrive_max)
        assert live.get("log.level") == "error"
        assert heard == []
    finally:
        await live.stop()


async def test_live_settings_integration_a_tenants_value_arrives_and_stays_with_it(
    world: World,
) -> None:
    tenant, other = await a_tenant(world.writer), await a_tenant(world.writer)
    live = world.live()
    await live.start()
    key = "jobs.timeout_seconds_default"
    try:
        assert await live.get_for(key, admin(tenant)) == 600
        assert await live.get_for(key, admin(other)) == 600
        await world.service.put(key, 5, actor=admin(tenant))

        deadline = time.monotonic() + seconds_to_arrive_max
        while await live.get_for(key, admin(tenant)) != 5:
            assert time.monotonic() < deadline, "the change did not arrive"
            await anyio.sleep(0.005)

        assert await live.get_for(key, admin(other)) == 600
        assert live.get(key) == 600
    finally:
        await live.stop()

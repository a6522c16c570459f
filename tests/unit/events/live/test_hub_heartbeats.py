from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.stores import a_tenant
from tests.unit.events.live.watching import a_live, names_of
from tests.unit.events.world import a_user
from tidemill.core.facts import Topic
from tidemill.core.ids import TenantId
from tidemill.events.live.connection import Limits
from tidemill.events.wire import Format

pytestmark = pytest.mark.anyio


async def test_heartbeat_says_how_far_and_finds_what_was_lost_without_a_trace(
    tmp_path: Path,
) -> None:
    async with (
        a_live(tmp_path, Limits(heartbeat_seconds=0.05)) as live,
        live.connected() as connection,
    ):
        await live.hub.subscribe(connection, [Topic("project:quiet")])
        await live.logged(3)
        through = 0
        async with asyncio.timeout(60):
            while through < 3:
                for frame in await connection.next_frames():
                    message = msgspec.json.decode(frame)
                    through = message["through_seq"]
                    assert "header" not in message, "nothing of this topic happened"


async def test_heartbeats_go_on_while_the_store_of_another_tenant_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_live(tmp_path, Limits(heartbeat_seconds=0.02)) as live:
        hung = await a_tenant(live.world.stores)
        head = live.world.stream.head

        async def hanging(tenant_id: TenantId) -> Any:
            if tenant_id == hung:
                await asyncio.Event().wait()
            return await head(tenant_id)

        names: list[str] = []
        async with (
            live.hub.connected(a_user(hung), Format.JSON),
            live.connected() as connection,
            asyncio.timeout(60),
        ):
            monkeypatch.setattr(live.world.stream, "head", hanging)
            while names.count("heartbeat") < 3:
                names += names_of(await connection.next_frames())


async def test_heartbeats_go_on_when_a_store_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        a_live(tmp_path, Limits(heartbeat_seconds=0.02)) as live,
        live.connected() as connection,
    ):

        async def broken(_: TenantId) -> None:
            raise RuntimeError("the store broke")

        monkeypatch.setattr(live.world.stream, "head", broken)
        names: list[str] = []
        async with asyncio.timeout(60):
            while names.count("heartbeat") < 3:
                names += names_of(await connection.next_frames())

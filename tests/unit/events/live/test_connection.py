from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.stores import a_tenant
from tests.unit.events.live.watching import a_live
from tests.unit.events.world import a_user
from tidemill.events.errors import TooManyConnections, TooManyStreams
from tidemill.events.live.connection import Limits
from tidemill.events.wire import Format

pytestmark = pytest.mark.anyio


async def test_connections_are_limited(tmp_path: Path) -> None:
    async with a_live(tmp_path, Limits(connections_max=1)) as live, live.connected():
        with pytest.raises(TooManyConnections):
            async with live.connected():
                pass


async def test_connections_of_one_tenant_leave_room_for_others(tmp_path: Path) -> None:
    async with a_live(tmp_path, Limits(connections_per_tenant_max=1)) as live:
        async with live.connected():
            with pytest.raises(TooManyStreams, match="This tenant already has 1"):
                async with live.connected():
                    pass
            stranger = a_user(await a_tenant(live.world.stores))
            async with live.hub.connected(stranger, Format.JSON):
                pass
        async with live.connected():
            pass


async def test_connections_of_one_actor_leave_room_for_others(tmp_path: Path) -> None:
    async with a_live(tmp_path, Limits(connections_per_actor_max=1)) as live:
        actor = a_user(live.tenant)
        async with live.hub.connected(actor, Format.JSON):
            with pytest.raises(TooManyStreams, match="This user or token already has 1"):
                async with live.hub.connected(actor, Format.JSON):
                    pass
            async with live.hub.connected(a_user(live.tenant, user_id="bob"), Format.JSON):
                pass

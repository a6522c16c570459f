from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.stores import a_tenant, until
from tests.unit.events.live.watching import a_live, names_of
from tests.unit.events.world import a_user
from tidemill.core.actor import Actor
from tidemill.core.facts import Topic
from tidemill.core.ports import Change
from tidemill.core.store_errors import StoreUnavailable
from tidemill.events.errors import TooManyConnections, TooManyStreams
from tidemill.events.live.connection import Limits, queued_bytes_max
from tidemill.events.live.visibility import MembersSeeTheirTenant
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


async def test_connection_ends_when_its_past_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would hold back for ever what happens."""

    async def broken(*_: Any) -> None:
        raise StoreUnavailable("tenant", "the disk is full")

    async with a_live(tmp_path) as live:
        await live.logged(3)
        monkeypatch.setattr(live.world.stream, "after", broken)
        async with live.connected() as connection:
            with pytest.raises(StoreUnavailable):
                await live.hub.subscribe(connection, [Topic("tenant")], since=0)

            assert connection.closed is not None
            assert connection.closed.code == 1013


async def test_connection_ends_when_its_client_asks_and_does_not_read(tmp_path: Path) -> None:
    """Answers are queued whatever the state: without a bound they would fill the memory."""
    async with a_live(tmp_path) as live, live.connected() as connection:
        live.hub.pong(connection, "x" * (queued_bytes_max // 2), 1)
        assert connection.closed is None

        live.hub.pong(connection, "x" * (queued_bytes_max // 2), 1)

        assert connection.closed is not None
        assert connection.closed.code == 1013
        assert not connection._queue


async def test_many_changes_at_once_ask_little_more_than_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Actor] = []
    answered = asyncio.Event()

    async def slow(actor: Actor) -> bool:
        asked.append(actor)
        await answered.wait()
        return True

    async with a_live(tmp_path) as live, live.connected() as connection:
        monkeypatch.setattr(live.hub, "_still_valid", slow)
        change = Change(seq=1, kind="session", tenant_id=live.tenant, key="somebody else")
        for _ in range(100):
            live.hub.on_change(change)
        await until(lambda: asked)
        live.hub.on_change(change)
        await until(lambda: len(asked) == 2)
        answered.set()
        await until(lambda: not live.hub._tasks)

        assert len(asked) == 2, "a change after the question needs another answer"
        assert connection.closed is None


async def test_clients_are_told_to_read_anew_when_facts_could_not_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would pass for told: the position goes on."""

    def broken(*_: Any) -> bool:
        raise RuntimeError("the fact cannot be encoded")

    async with a_live(tmp_path) as live, live.connected() as connection:
        await live.hub.subscribe(connection, [Topic("tenant")])
        await connection.next_frames()
        monkeypatch.setattr(MembersSeeTheirTenant, "sees_fact", broken)

        await live.hear(*(await live.logged(1)))

        async with asyncio.timeout(60):
            frames = await connection.next_frames()
        assert names_of(frames) == ["resync"]

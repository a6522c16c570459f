"""`GET /api/v1/events` as clients see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.fixtures.stores import a_tenant, make_stores, until
from tests.integration.events.server import Server, a_server
from tests.unit.events.world import ThingHappened
from tidemill.core.actor import system
from tidemill.core.config import Config
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, server: Server, tenant: TenantId) -> None:
        self.server = server
        self.tenant = tenant
        self.headers = {"Authorization": f"Bearer ada@{tenant}"}

    async def happen(self, *numbers: int, project: str = "p") -> None:
        def use_case(tx: Tx) -> None:
            for number in numbers:
                fact = ThingHappened(n=number, project=project)
                tx.record(fact, by=system("test", tx.tenant_id))

        await self.server.stores.tenants.write(self.tenant, use_case)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        config = Config()
        quick = msgspec.structs.replace(config.events, heartbeat_seconds=1)
        config = msgspec.structs.replace(config, events=quick)
        async with a_server(stores, InProcessBus(), config=config) as server:
            yield World(server, tenant)


class EventStream:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def event(self) -> tuple[str, Any]:
        """Return the next event's name and data, as a browser would dispatch it."""
        name, data = "message", ""
        async with asyncio.timeout(60):
            while line := (await self.response.content.readline()).decode():
                field, _, value = line.rstrip("\n").partition(": ")
                if field == "id":
                    self.last_id = value
                elif field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif not field and data:
                    return name, msgspec.json.decode(data)
                elif not field:
                    name = "message"
        return "end", None

    async def numbers(self, count: int) -> list[int]:
        found: list[int] = []
        while len(found) < count:
            name, data = await self.event()
            assert name != "end"
            if name == "fact":
                found.append(data["data"]["n"])
        return found


async def test_event_stream_integration_follows_and_resumes_by_last_event_id(
    world: World,
) -> None:
    url = f"{world.server.http}/api/v1/events"
    async with aiohttp.ClientSession(headers=world.headers) as session:
        async with session.get(url) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            stream = EventStream(response)
            assert (await stream.event())[0] == "hello"
            assert (await stream.event())[0] == "subscribed"
            await world.happen(1, 2)
            assert await stream.numbers(2) == [1, 2]
            last = stream.last_id
        await world.happen(3, 4)

        async with session.get(url, headers={"Last-Event-ID": last}) as response:
            stream = EventStream(response)
            await world.happen(5)
            assert await stream.numbers(3) == [3, 4, 5]
        async with session.get(url, params={"since": "0"}) as response:
            assert await EventStream(response).numbers(5) == [1, 2, 3, 4, 5]

    await until(lambda: world.server.delivery.hub.figures.connections == 0)


async def test_event_stream_integration_filters_by_topic(world: World) -> None:
    async with (
        aiohttp.ClientSession(headers=world.headers) as session,
        session.get(
            f"{world.server.http}/api/v1/events",
            params=[("topics", "project:a,project:b"), ("topics", "project:c")],
        ) as response,
    ):
        stream = EventStream(response)
        await stream.event()
        await stream.event()

        for n, project in enumerate(["x", "a", "y", "b", "c"]):
            await world.happen(n, project=project)

        assert await stream.numbers(3) == [1, 3, 4]


async def test_event_stream_integration_beats_with_a_comment(world: World) -> None:
    await world.happen(1)
    async with (
        aiohttp.ClientSession(headers=world.headers) as session,
        session.get(
            f"{world.server.http}/api/v1/events", params={"topics": "project:quiet"}
        ) as response,
    ):
        async with asyncio.timeout(60):
            line = await _after_a_heartbeat(response)
            # The fact may still be on its way when the first beat comes.
            while not line.endswith(":1\n"):
                assert line.startswith("id: ")
                line = await _after_a_heartbeat(response)
        assert line.startswith("id: ")


async def _after_a_heartbeat(response: aiohttp.ClientResponse) -> str:
    while (await response.content.readline()) != b": heartbeat\n":
        pass
    return (await response.content.readline()).decode()


@pytest.mark.parametrize(
    ("params", "headers", "code"),
    [
        ({"topics": "nonsense"}, {}, "INVALID_TOPIC"),
        ({"since": "x"}, {}, "INVALID_STREAM_POSITION"),
        ({}, {"Last-Event-ID": "e:-1"}, "INVALID_STREAM_POSITION"),
    ],
)
async def test_event_stream_integration_refuses_what_it_cannot_read(
    world: World, params: dict[str, str], headers: dict[str, str], code: str
) -> None:
    async with (
        aiohttp.ClientSession(headers=world.headers) as session,
        session.get(
            f"{world.server.http}/api/v1/events", params=params, headers=headers
        ) as response,
    ):
        assert response.status == 400
        assert (await response.json())["error"]["code"] == code


async def test_event_stream_integration_needs_a_credential(world: World) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{world.server.http}/api/v1/events") as response,
    ):
        assert response.status == 401


async def test_event_stream_integration_ends_when_the_credential_ends(world: World) -> None:
    async with (
        aiohttp.ClientSession(headers=world.headers) as session,
        session.get(f"{world.server.http}/api/v1/events") as response,
    ):
        assert response.status == 200
        stream = EventStream(response)
        await stream.event()
        world.server.credentials.revoked.add("ada")

        def revoke(tx: Tx) -> None:
            tx.invalidate("user", "ada")

        await world.server.stores.control.write(world.tenant, revoke)

        async with asyncio.timeout(60):
            while (await stream.event())[0] != "end":
                pass

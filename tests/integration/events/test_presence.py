"""Who is where, as clients of `/ws` and event streams hear of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.fixtures.stores import a_tenant, make_stores
from tests.integration.events.server import Client, Server, a_server
from tidemill.core.ids import TenantId
from tidemill.events.wire.v1 import messages_pb2 as pb
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio

ITEM = "work-item:1"


class World:
    def __init__(self, server: Server, tenant: TenantId) -> None:
        self.server = server
        self.tenant = tenant

    def token(self, user_id: str) -> str:
        return f"{user_id}@{self.tenant}"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        async with a_server(stores, InProcessBus()) as server:
            yield World(server, tenant)


async def room(client: Client) -> dict[str, Any]:
    update = (await client.until("ephemeral"))["ephemeral"]
    assert (update["type"], update["topics"]) == ("PresenceChanged", [ITEM])
    data: dict[str, Any] = update["data"]
    return data


async def test_presence_integration_both_formats_tell_who_types_until_the_socket_ends(
    world: World,
) -> None:
    server = world.server
    async with (
        server.client(world.token("ada")) as ada,
        server.client(world.token("eve"), protocol="tidemill.pb") as eve,
    ):
        await ada.subscribe(ITEM)
        await eve.send_protobuf(pb.WebSocketMessage(subscribe=pb.Subscribe(topics=[ITEM])))
        async with server.client(world.token("bob")) as bob:
            await bob.send({"presence": {"topics": ["project:p"], "typing": [ITEM]}})

            bob_types = {"user_id": "bob", "kind": "user", "typing": True}
            assert await room(ada) == {"topic": ITEM, "people": [bob_types], "count": 1}
            while (message := await eve.receive_protobuf()).WhichOneof(
                "payload"
            ) != "presence_changed":
                pass
            (person,) = message.presence_changed.people
            assert (person.user_id, person.typing) == ("bob", True)
            bob.socket.transport.abort()

        assert (await room(ada))["count"] == 0


async def test_presence_integration_is_shown_on_event_streams(world: World) -> None:
    async with (
        world.server.client(world.token("bob")) as bob,
        aiohttp.ClientSession() as session,
    ):
        await bob.subscribe(ITEM)
        await bob.send({"presence": {"topics": [ITEM]}})
        await room(bob)
        url = f"{world.server.http}/api/v1/events?topics={ITEM}"
        headers = {"Authorization": f"Bearer {world.token('ada')}"}
        async with session.get(url, headers=headers) as stream:
            while not (line := await stream.content.readline()).startswith(b"event: ephemeral"):
                assert line
            data = msgspec.json.decode((await stream.content.readline()).removeprefix(b"data: "))

    assert data["type"] == "PresenceChanged"
    assert [one["user_id"] for one in data["data"]["people"]] == ["bob"]


async def test_presence_integration_refuses_who_says_it_too_often(world: World) -> None:
    async with world.server.client(world.token("bob")) as bob:
        for _ in range(30):
            await bob.send({"presence": {"topics": [ITEM]}})

        error = (await bob.until("error"))["error"]

        assert (error["code"], error["field"]) == ("TOO_MANY_PRESENCE_MESSAGES", "presence")
        await bob.send({"ping": {}})
        await bob.until("pong")

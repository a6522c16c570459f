"""`/ws` as clients see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed

from tests.fixtures.stores import a_tenant, make_stores, until
from tests.integration.events.server import Client, Server, a_server
from tests.unit.events.world import ThingHappened
from tidemill.board import CommentCreated, CommentDeleted, CommentId, CommentState
from tidemill.board.contract import ProjectId, WorkItemCreated, WorkItemId, WorkItemState
from tidemill.core.actor import Role, system
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.events.wire.v1 import messages_pb2 as pb
from tidemill.infrastructure.messaging.memory import InProcessBus

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, server: Server, tenant: TenantId) -> None:
        self.server = server
        self.tenant = tenant
        self.token = f"ada@{tenant}"

    async def record(self, *facts: Fact, tenant: TenantId | None = None) -> None:
        def use_case(tx: Tx) -> None:
            for fact in facts:
                tx.record(fact, by=system("test", tx.tenant_id))

        await self.server.stores.tenants.write(tenant or self.tenant, use_case)

    async def happen(self, *numbers: int, project: str = "p", text: str = "") -> None:
        await self.record(
            *(ThingHappened(n=number, project=project, text=text) for number in numbers)
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        async with a_server(stores, InProcessBus()) as server:
            yield World(server, tenant)


def an_item_created(project_id: str) -> WorkItemCreated:
    item = WorkItemState(
        id=WorkItemId("item-1"),
        key="TM-1",
        item_number=1,
        item_type="task",
        project_id=ProjectId(project_id),
        parent_id=None,
        title="Ship it",
        description=None,
        status="todo",
        priority="medium",
        assignee_id=None,
        rank="a0",
        version=1,
        created_at=Instant(5),
        created_by="ada",
        updated_at=Instant(5),
        updated_by="ada",
    )
    return WorkItemCreated(work_item=item, user_id="ada")


@pytest.mark.parametrize("protocol", ["tidemill.pb", None])
async def test_websocket_integration_two_subscribed_clients_hear_of_a_new_item(
    world: World, protocol: str | None
) -> None:
    """R050, R052, R054, R057, R058."""
    server, token = world.server, world.token
    async with (
        server.client(token, protocol=protocol) as first,
        server.client(token, protocol=protocol) as second,
        server.client(token, protocol=protocol) as stranger,
    ):
        for client, project in ((first, "project-1"), (second, "project-1"), (stranger, "other")):
            assert (await client.receive_protobuf()).WhichOneof("payload") == "hello"
            await client.send_protobuf(
                pb.WebSocketMessage(message_id="m", subscribe=pb.Subscribe(project_ids=[project]))
            )
            answer = await client.receive_protobuf()
            assert (answer.WhichOneof("payload"), answer.message_id) == ("subscribed", "m")

        await world.record(an_item_created("project-1"))

        for client in (first, second):
            message = await client.receive_protobuf()
            assert message.WhichOneof("payload") == "work_item_created"
            item = message.work_item_created.work_item
            assert (item.id, item.title, item.key) == ("item-1", "Ship it", "TM-1")
            assert item.item_type == pb.TASK
            assert message.through_seq == message.header.seq == 1
        await stranger.send_protobuf(pb.WebSocketMessage(ping=pb.Ping(timestamp=7)))
        assert (await stranger.receive_protobuf()).pong.timestamp == 7


async def test_websocket_integration_followers_of_an_item_hear_of_its_comments(
    world: World,
) -> None:
    """R012, R058: a comment travels as the message that clients know."""
    comment = CommentState(
        id=CommentId("c1"),
        work_item_id=WorkItemId("item-1"),
        project_id=ProjectId("project-1"),
        parent_id=None,
        content="Looks **good**, @ada",
        mentions=("ada",),
        version=1,
        created_at=Instant(5),
        created_by="bob",
        updated_at=Instant(5),
        updated_by="bob",
    )
    gone = CommentDeleted(
        comment_id=comment.id,
        work_item_id=comment.work_item_id,
        project_id=comment.project_id,
        parent_id=None,
        version=2,
        user_id="bob",
    )
    async with world.server.client(world.token, protocol="tidemill.pb") as client:
        assert (await client.receive_protobuf()).WhichOneof("payload") == "hello"
        await client.send_protobuf(
            pb.WebSocketMessage(subscribe=pb.Subscribe(topics=["work-item:item-1"]))
        )
        assert (await client.receive_protobuf()).WhichOneof("payload") == "subscribed"

        await world.record(CommentCreated(comment=comment, user_id="bob"))
        made = await client.receive_protobuf()
        await world.record(gone)
        deleted = await client.receive_protobuf()

    assert made.WhichOneof("payload") == "comment_created"
    told = made.comment_created.comment
    assert (told.id, told.work_item_id, told.content) == ("c1", "item-1", comment.content)
    assert (told.created_by, told.created_at, list(told.mentions)) == ("bob", 5, ["ada"])
    assert deleted.WhichOneof("payload") == "comment_deleted"
    assert deleted.comment_deleted.comment_id == "c1"


async def test_websocket_integration_facts_of_one_transaction_share_a_frame(
    world: World,
) -> None:
    async with world.server.client(world.token) as client:
        await client.subscribe("tenant")

        await world.happen(1, 2, 3)

        message = await client.receive()
        assert [one["fact"]["data"]["n"] for one in message["batch"]["messages"]] == [1, 2, 3]
        assert message["through_seq"] == 3
        assert message["stream_epoch"]


async def test_websocket_integration_malformed_frames_get_an_error_and_live_on(
    world: World,
) -> None:
    """R053."""
    async with world.server.client(world.token, protocol="tidemill.pb") as client:
        await client.receive_protobuf()
        for garbage in (b"\xff\xff\xff", b"", b"\x0a"):
            await client.socket.send(garbage)
            answer = await client.receive_protobuf()
            assert answer.error.code == "INVALID_MESSAGE"
        await client.socket.send("{not json")
        assert (await client.receive_protobuf()).error.code == "INVALID_MESSAGE"
        create = pb.CreateWorkItemRequest(title="no")
        await client.send_protobuf(pb.WebSocketMessage(create_work_item_request=create))
        assert (await client.receive_protobuf()).error.code == "UNSUPPORTED_MESSAGE"

        await client.send_protobuf(pb.WebSocketMessage(ping=pb.Ping(timestamp=1)))
        assert (await client.receive_protobuf()).WhichOneof("payload") == "pong"


async def test_websocket_integration_refuses_frames_over_one_mebibyte(world: World) -> None:
    async with world.server.client(world.token) as client:
        await client.socket.send("x" * 1_048_577)

        assert await client.close_code() == 1009


async def test_websocket_integration_resume_delivers_what_was_missed_once(world: World) -> None:
    async with world.server.client(world.token) as client:
        await client.subscribe("tenant")
        await world.happen(1)
        last = await client.receive()
    await world.happen(*range(2, 400))

    async with world.server.client(world.token) as client:
        answer = await client.subscribe(
            "tenant", since=last["through_seq"], stream_epoch=last["stream_epoch"]
        )
        await world.happen(400)

        assert "subscribed" in answer
        numbers = [fact["fact"]["data"]["n"] for fact in await client.facts(399)]
        assert numbers == list(range(2, 401))


async def test_websocket_integration_another_epoch_means_resync(world: World) -> None:
    async with world.server.client(world.token) as client:
        answer = await client.subscribe("tenant", since=0, stream_epoch="another")

        assert "resync" in answer
        await world.happen(1)
        assert len(await client.facts(1)) == 1


async def test_websocket_integration_a_number_of_the_future_means_resync(world: World) -> None:
    async with world.server.client(world.token) as client:
        assert "resync" in await client.subscribe("tenant", since=99)


async def test_websocket_integration_tenants_hear_nothing_of_each_other(world: World) -> None:
    """R055."""
    other = await a_tenant(world.server.stores)
    async with (
        world.server.client(world.token) as mine,
        world.server.client(f"eve@{other}") as theirs,
    ):
        await mine.subscribe("tenant", "project:p")
        await theirs.subscribe("tenant", "project:p")

        await world.happen(1)
        await world.record(ThingHappened(n=2), tenant=other)

        assert [fact["fact"]["data"]["n"] for fact in await mine.facts(1)] == [1]
        assert [fact["fact"]["data"]["n"] for fact in await theirs.facts(1)] == [2]


async def test_websocket_integration_unsubscribe_ends_a_topic(world: World) -> None:
    async with world.server.client(world.token) as client:
        await client.subscribe("project:a", "project:b")
        await client.send({"unsubscribe": {"topics": ["project:a"]}})
        await client.send({"ping": {}})
        await client.until("pong")

        await world.happen(1, project="a")
        await world.happen(2, project="b")

        assert [fact["fact"]["data"]["n"] for fact in await client.facts(1)] == [2]


async def test_websocket_integration_ephemeral_updates_reach_their_topic(world: World) -> None:
    async with world.server.client(world.token) as client:
        await client.subscribe("job:1")

        from tidemill.events.live.updates import BusLiveUpdates

        updates = BusLiveUpdates(world.server.delivery._bus)
        updates.publish(world.tenant, [topic("job", "2")], "JobState", {"state": "lost"})
        updates.publish(world.tenant, [topic("job", "1")], "JobState", {"state": "running"})

        message = await client.until("ephemeral")
        assert message["ephemeral"]["data"] == {"state": "running"}


async def close_code(client_of: AbstractAsyncContextManager[Client]) -> int:
    async with client_of as client:
        return await client.close_code()


class TestAuthentication:
    cookie: ClassVar[str] = "tm_session"

    async def test_websocket_integration_without_a_credential_closes_4401(
        self, world: World
    ) -> None:
        assert await close_code(world.server.client(None)) == 4401
        assert await close_code(world.server.client("nobody")) == 4401

    async def test_websocket_integration_takes_a_session_cookie_from_its_own_pages_only(
        self, world: World
    ) -> None:
        cookie = {"Cookie": f"tm_session={world.token}"}
        own = {**cookie, "Origin": world.server.http}
        configured = {**cookie, "Origin": "https://tidemill.example"}
        foreign = {**cookie, "Origin": "https://evil.example"}

        for headers in (own, configured):
            async with world.server.client(None, headers=headers) as client:
                assert "hello" in await client.receive()
        assert await close_code(world.server.client(None, headers=foreign)) == 4403

    async def test_websocket_integration_takes_a_ticket_once(self, world: World) -> None:
        async with aiohttp.ClientSession() as session:
            answer = await session.post(
                f"{world.server.http}/api/v1/ws-tickets",
                headers={"Authorization": f"Bearer {world.token}"},
            )
            assert answer.status == 201
            body = await answer.json()
        assert body["expires_in"] == 30
        query = f"?ticket={body['ticket']}"

        async with world.server.client(None, query=query) as client:
            assert "hello" in await client.receive()
        assert await close_code(world.server.client(None, query=query)) == 4401

    async def test_websocket_integration_a_revoked_credential_closes_the_connection(
        self, world: World
    ) -> None:
        async with (
            world.server.client(world.token) as client,
            world.server.client(f"bob@{world.tenant}") as other,
        ):
            await client.receive()
            await other.receive()
            world.server.credentials.revoked.add("ada")

            def revoke(tx: Tx) -> None:
                tx.invalidate("user", "ada")

            await world.server.stores.control.write(world.tenant, revoke)

            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(60):
                    await client.socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
            await other.send({"ping": {}})
            await other.until("pong")

    async def test_websocket_integration_a_ticket_of_a_revoked_user_is_refused(
        self, world: World
    ) -> None:
        async with aiohttp.ClientSession() as session:
            answer = await session.post(
                f"{world.server.http}/api/v1/ws-tickets",
                headers={"Authorization": f"Bearer {world.token}"},
            )
            ticket = (await answer.json())["ticket"]
        world.server.credentials.revoked.add("ada")

        assert await close_code(world.server.client(None, query=f"?ticket={ticket}")) == 4401

    async def test_websocket_integration_a_viewer_may_watch(self, world: World) -> None:
        world.server.credentials.roles["ada"] = Role.VIEWER
        async with world.server.client(world.token) as client:
            assert "hello" in await client.receive()


async def test_websocket_integration_shutdown_closes_1012(world: World) -> None:
    async with world.server.client(world.token) as client:
        await client.receive()

        closing = asyncio.create_task(world.server.delivery.hub.close_all())

        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        await closing
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


async def test_websocket_integration_either_end_ends_both_tasks(world: World) -> None:
    """R051."""
    async with world.server.client(world.token) as client:
        await client.subscribe("tenant")
        assert world.server.delivery.hub.figures.connections == 1

    await until(lambda: world.server.delivery.hub.figures.connections == 0)
    assert world.server.delivery.hub.figures.tenants == 0

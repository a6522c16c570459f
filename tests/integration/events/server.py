"""A running server with the event module, a feature that makes work items, and clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.fixtures.stores import StoreClock
from tests.unit.events.world import a_user
from tidemill.api.app import ApiOptions, Probes, create_app
from tidemill.api.websocket_protocol import WebSocketProtocol
from tidemill.core.actor import Actor, Origin, Role
from tidemill.core.config import Config
from tidemill.core.errors import Unauthenticated
from tidemill.core.ids import TenantId
from tidemill.core.module import Offer, Parts, Port
from tidemill.core.ports import EventBus
from tidemill.events import DELIVERY
from tidemill.events.module import MODULE as EVENTS
from tidemill.events.module import EventDelivery
from tidemill.events.wire.v1 import messages_pb2 as pb
from tidemill.http import AUTHENTICATOR, SessionActor
from tidemill.http.authentication import Kit
from tidemill.infrastructure.cache import MemoryRateLimiter
from tidemill.infrastructure.database import Stores


class Credentials:
    """Knows people by tokens `user@tenant` until they are revoked."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.roles: dict[str, Role] = {}

    def _actor(self, token: str) -> Actor:
        user_id, _, tenant_id = token.partition("@")
        if not tenant_id or user_id in self.revoked:
            raise Unauthenticated("no")
        role = self.roles.get(user_id, Role.MEMBER)
        return a_user(TenantId(tenant_id), user_id=user_id, role=role)

    async def bearer(self, token: str, origin: Origin) -> Actor:
        return self._actor(token)

    async def session(self, cookie: str, origin: Origin) -> SessionActor:
        return SessionActor(actor=self._actor(cookie), csrf_token="csrf")

    async def still_valid(self, actor: Actor) -> bool:
        return actor.user_id not in self.revoked


class Server:
    """One API process, as far as events go."""

    def __init__(
        self, port: int, delivery: EventDelivery, credentials: Credentials, stores: Stores
    ) -> None:
        self.port = port
        self.delivery = delivery
        self.credentials = credentials
        self.stores = stores

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def client(
        self,
        token: str | None,
        *,
        protocol: str | None = "tidemill.json",
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Client]:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with connect(
            f"ws://127.0.0.1:{self.port}/ws{query}",
            additional_headers=sent,
            subprotocols=[Subprotocol(protocol)] if protocol else None,
            compression=None,
        ) as socket:
            yield Client(socket)


class Client:
    """One WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.socket.send(msgspec.json.encode(message).decode())

    async def receive(self, *, seconds: float = 60) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            frame = await self.socket.recv()
        decoded: dict[str, Any] = msgspec.json.decode(frame)
        return decoded

    async def until(self, name: str, *, seconds: float = 60) -> dict[str, Any]:
        """Skip to the next message with this payload."""
        async with asyncio.timeout(seconds):
            while name not in (message := await self.receive(seconds=seconds)):
                pass
        return message

    async def subscribe(self, *topics: str, **more: Any) -> dict[str, Any]:
        await self.send({"subscribe": {"topics": list(topics), **more}})
        async with asyncio.timeout(60):
            while True:
                message = await self.receive()
                if "subscribed" in message or "resync" in message or "error" in message:
                    return message

    async def facts(self, count: int) -> list[dict[str, Any]]:
        """Return the next `count` facts."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            message = await self.receive()
            batch = message["batch"]["messages"] if "batch" in message else [message]
            found.extend(one for one in batch if "fact" in one)
        return found

    async def close_code(self, *, seconds: float = 60) -> int:
        """Read until the server closes; return with which code."""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        code = self.socket.close_code
        return -1 if code is None else code

    async def send_protobuf(self, message: pb.WebSocketMessage) -> None:
        await self.socket.send(message.SerializeToString())

    async def receive_protobuf(self, *, seconds: float = 60) -> pb.WebSocketMessage:
        async with asyncio.timeout(seconds):
            frame = await self.socket.recv()
        assert isinstance(frame, bytes)
        return pb.WebSocketMessage.FromString(frame)


def parts_of(
    stores: Stores, bus: EventBus, config: Config, ports: dict[Port[Any], object]
) -> Parts:
    clock = StoreClock()
    return Parts(
        config=config,
        clock=clock,
        control=stores.control,
        jobs=stores.jobs,
        tenants=stores.tenants,
        tenant_stores=stores.tenant_stores,
        wakeups=stores.wakeups,
        invalidations=stores.invalidations,
        bus=bus,
        mailer=None,  # type: ignore[arg-type]
        rate_limiter=MemoryRateLimiter(clock),
        ports=ports,
    )


@contextlib.asynccontextmanager
async def a_server(
    stores: Stores, bus: EventBus, *, config: Config | None = None
) -> AsyncIterator[Server]:
    """Serve the event module on a free port."""
    credentials = Credentials()
    ports: dict[Port[Any], object] = {AUTHENTICATOR: credentials}
    parts = parts_of(stores, bus, config or Config(), ports)
    offer: Offer = EVENTS.build(parts)
    delivery = offer.provides[DELIVERY]
    assert isinstance(delivery, EventDelivery)
    kit = Kit(
        authenticator=credentials,
        rate_limiter=parts.rate_limiter,
        requests_per_minute=lambda: 0,
        allowed_origins=frozenset({"https://tidemill.example"}),
    )
    probes = Probes(checks={}, render_metrics=bytes, observe=lambda *_: None)
    app, _ = create_app([offer], kit, ApiOptions(body_bytes_max=1_000_000), probes)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=0,
            log_level="warning",
            lifespan="off",
            ws=WebSocketProtocol,
            timeout_graceful_shutdown=5,
        )
    )
    await delivery.start()
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Server(port, delivery, credentials, stores)
    finally:
        await delivery.hub.close_all()
        server.should_exit = True
        await serving
        await delivery.stop()


def data_directory(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    path.mkdir()
    return path

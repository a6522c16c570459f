"""Two API processes, many clients, and a bus that is wiped under load.

Each client keeps a copy of the state, the last number for each subject, from what it is told
alone; at the end each copy equals the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.bus.servers import BusServer, bus_server
from tests.fixtures.stores import StoreClock, a_tenant, store_options
from tests.unit.events.world import ThingHappened, a_user
from tidemill.core.actor import system
from tidemill.core.facts import Topic, decode_fact
from tidemill.core.ids import TenantId
from tidemill.core.ports import EventBus, Tx
from tidemill.events.live.connection import Limits
from tidemill.events.live.hub import Hub
from tidemill.events.live.visibility import MembersSeeTheirTenant
from tidemill.events.relay.drains import StreamToBus
from tidemill.events.relay.relay import Relay
from tidemill.events.stream.service import Stream
from tidemill.events.wire import Format
from tidemill.events.wire.v1 import messages_pb2 as pb
from tidemill.infrastructure.database import Stores, open_stores

pytestmark = pytest.mark.anyio

TENANT_TOPIC = Topic("tenant")


class Process:
    """One API process: its own connection to the bus, its own hub and relay."""

    def __init__(self, stores: Stores, bus: EventBus) -> None:
        self.stores = stores
        self.bus = bus
        stream = Stream(stores.tenants)

        async def valid(_: object) -> bool:
            return True

        self.hub = Hub(
            bus=bus,
            stream=stream,
            visibility=MembersSeeTheirTenant(),
            still_valid=valid,
            clock=StoreClock(),
            limits=Limits(heartbeat_seconds=0.5, queued_frames_max=64),
        )
        self.relay = Relay(stores.wakeups)
        self.relay.add(StreamToBus(stream, bus))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        await self.bus.start()
        await self.hub.start()
        await self.relay.start()
        try:
            yield self
        finally:
            await self.relay.stop()
            await self.hub.stop()
            await self.bus.stop()


class Watcher:
    """A client that only believes frames, loses its connection and lags now and then.

    It comes back to whichever process it meets, also to one that knows less than it does.
    """

    def __init__(self, tenant: TenantId, seed: int) -> None:
        self.state: dict[str, int] = {}
        self.seqs: list[int] = []
        self.through = 0
        self.epoch: str | None = None
        self._tenant = tenant
        self._random = random.Random(seed)  # noqa: S311 - a test

    async def watch(self, processes: list[Process]) -> None:
        while True:
            await self._connection(self._random.choice(processes))

    async def _connection(self, process: Process) -> None:
        actor = a_user(self._tenant)
        async with process.hub.connected(actor, Format.PROTOBUF) as connection:
            subscribing = asyncio.create_task(
                process.hub.subscribe(
                    connection, [TENANT_TOPIC], since=self.through, epoch=self.epoch
                )
            )
            try:
                while frames := await connection.next_frames():
                    for frame in frames:
                        self._take(pb.WebSocketMessage.FromString(frame))
                    if connection.is_lagged or self._random.random() < 0.01:
                        return
                    if self._random.random() < 0.05:
                        await asyncio.sleep(self._random.random() * 0.05)
            finally:
                await asyncio.wait({subscribing})

    def _take(self, frame: pb.WebSocketMessage) -> None:
        assert frame.WhichOneof("payload") != "resync", "nothing here is too old to replay"
        messages = list(frame.batch.messages) or [frame]
        for message in messages:
            if message.HasField("header"):
                self.seqs.append(message.header.seq)
                self.state[message.header.subject] = message.header.seq
        self.through = frame.through_seq
        self.epoch = frame.stream_epoch


async def write_load(
    processes: list[Process], tenant: TenantId, *, writes: int, bus: BusServer
) -> None:
    """Record facts in both processes, and wipe the bus twice meanwhile."""

    async def writer(process: Process, offset: int) -> None:
        for n in range(writes // len(processes)):

            def use_case(tx: Tx, n: int = n) -> None:
                fact = ThingHappened(n=(n + offset) % 50)
                tx.record(fact, by=system("test", tx.tenant_id))

            await process.stores.tenants.write(tenant, use_case)
            if n % 20 == 0:
                await asyncio.sleep(0.02)

    async def vandal() -> None:
        for _ in range(2):
            await asyncio.sleep(0.3)
            if bus.wipe is not None:
                await bus.wipe()
            if bus.proxy is not None:
                bus.proxy.cut()

    await asyncio.gather(*(writer(one, i * 25) for i, one in enumerate(processes)), vandal())


async def truth(stores: Stores, tenant: TenantId) -> tuple[int, dict[str, int]]:
    stream, state, last = Stream(stores.tenants), {}, 0
    while facts := await stream.after(tenant, last):
        for fact in facts:
            assert decode_fact(fact, ThingHappened).subject == fact.subject
            state[fact.subject] = fact.seq
        last = facts[-1].seq
    return last, state


@contextlib.asynccontextmanager
async def two_processes(tmp_path: Path, server: BusServer) -> AsyncIterator[list[Process]]:
    async with store_options("schema", tmp_path) as options:
        both = [await open_stores(options, StoreClock()) for _ in range(2)]
        try:
            processes = [Process(stores, server.bus()) for stores in both]
            async with processes[0].running(), processes[1].running():
                yield processes
        finally:
            for stores in both:
                await stores.close()


_OTHERS: Final = pytest.mark.full(reason="what differs between buses is proved by their own suite")


@pytest.mark.needs("postgres")
@pytest.mark.parametrize(
    ("kind", "clients", "writes"),
    [
        ("nats", 40, 400),
        pytest.param("amqp", 40, 400, marks=_OTHERS),
        pytest.param("postgres", 40, 400, marks=_OTHERS),
        pytest.param(
            "nats",
            200,
            3000,
            marks=[
                pytest.mark.full(reason="takes over 20 s of both cores"),
                pytest.mark.timeout(300),
            ],
        ),
    ],
)
async def test_hubs_integration_every_client_ends_with_the_databases_state(
    tmp_path: Path, kind: str, clients: int, writes: int
) -> None:
    async with bus_server(kind) as server, two_processes(tmp_path, server) as processes:
        stores = processes[0].stores
        tenant = await a_tenant(stores)
        watchers = [Watcher(tenant, seed=number) for number in range(clients)]
        watching = [asyncio.create_task(watcher.watch(processes)) for watcher in watchers]
        await write_load(processes, tenant, writes=writes, bus=server)
        last, state = await truth(stores, tenant)

        async with asyncio.timeout(60):
            while any(watcher.through < last for watcher in watchers):
                failed = [task for task in watching if task.done()]
                assert not failed, failed[0].exception()
                await asyncio.sleep(0.02)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

        assert last == writes // 2 * 2
        for watcher in watchers:
            assert watcher.state == state
            assert watcher.seqs == sorted(set(watcher.seqs)), "a fact came twice or out of order"
            assert len(watcher.seqs) == last, "a fact never came"

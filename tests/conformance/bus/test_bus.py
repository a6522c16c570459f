"""What every event bus does, whatever carries it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from tests.conformance.bus.servers import KINDS, BusServer, bus_server
from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant
from tidemill.core.facts import FactActor, RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral, EventBus, FactBatch
from tidemill.infrastructure.messaging import BusUnavailable, InvalidSubject

pytestmark = pytest.mark.anyio

TENANT = TenantId("t-1")


class Process:
    """One process on the bus: what it has heard."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.batches: list[FactBatch] = []
        self.updates: list[Ephemeral] = []
        self.gaps = 0
        self._changed = asyncio.Event()
        bus.on_facts(self._on_facts)
        bus.on_ephemeral(self._on_update)
        bus.on_gap(self._on_gap)

    def _on_facts(self, batch: FactBatch) -> None:
        self.batches.append(batch)
        self._changed.set()

    def _on_update(self, update: Ephemeral) -> None:
        self.updates.append(update)
        self._changed.set()

    def _on_gap(self) -> None:
        self.gaps += 1
        self._changed.set()

    @property
    def heard(self) -> list[int]:
        """The numbers heard, each at its first arrival."""
        return list(dict.fromkeys(batch.through for batch in self.batches))

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture(params=KINDS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[BusServer]:
    async with bus_server(request.param) as server:
        yield server


@contextlib.asynccontextmanager
async def processes(server: BusServer, count: int = 2) -> AsyncIterator[list[Process]]:
    started = [Process(server.bus()) for _ in range(count)]
    for process in started:
        await process.bus.start()
    try:
        yield started
    finally:
        for process in started:
            await process.bus.stop()


def a_fact(seq: int, *, tenant_id: TenantId = TENANT, data: object = None) -> RecordedFact:
    return RecordedFact(
        id=f"fact-{tenant_id}-{seq}",
        tenant_id=tenant_id,
        seq=seq,
        feature="board",
        type="WorkItemCreated",
        subject="item",
        at=Instant(1),
        actor=FactActor(kind=ActorKind.USER, id="u"),
        topics=(Topic("project:p"),),
        data=msgspec.Raw(msgspec.json.encode(data or {"n": seq})),
    )


def a_batch(*seqs: int, tenant_id: TenantId = TENANT, data: object = None) -> FactBatch:
    facts = tuple(a_fact(seq, tenant_id=tenant_id, data=data) for seq in seqs)
    return FactBatch(tenant_id=tenant_id, through=seqs[-1], facts=facts)


async def publish_until_taken(bus: EventBus, batch: FactBatch) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(BusUnavailable):
                return await bus.publish([batch])
            await asyncio.sleep(0.05)


async def test_publish_reaches_every_process_in_order(server: BusServer) -> None:
    async with processes(server) as (first, second):
        for seq in range(1, 101):
            await first.bus.publish([a_batch(seq)])

        for process in (first, second):
            await process.until(lambda process=process: len(process.heard) == 100)  # type: ignore[misc]
            assert process.heard == list(range(1, 101))


async def test_publish_carries_the_fact_or_its_number(server: BusServer) -> None:
    async with processes(server, 1) as (process,):
        await process.bus.publish([a_batch(7, data={"title": "Grüße\u0000"})])

        await process.until(lambda: bool(process.batches))
        batch = process.batches[0]
        assert (batch.tenant_id, batch.through) == (TENANT, 7)
        assert batch.facts in ((), (a_fact(7, data={"title": "Grüße\u0000"}),))


async def test_publish_sends_only_the_number_of_a_fact_over_one_mebibyte(
    server: BusServer,
) -> None:
    async with processes(server, 1) as (process,):
        await process.bus.publish([a_batch(1, data={"text": "x" * 1_200_000})])

        await process.until(lambda: process.heard == [1])
        if server.kind != "memory":
            assert process.batches[0].facts == ()


async def test_publish_sends_a_number_without_its_fact(server: BusServer) -> None:
    async with processes(server, 1) as (process,):
        await process.bus.publish([FactBatch(tenant_id=TENANT, through=9)])

        await process.until(lambda: process.heard == [9])


@pytest.mark.parametrize("token", ["*", ">", "a.b", "a b", "a.*.x", "", "ü", "a\n"])
async def test_publish_refuses_a_tenant_that_a_broker_would_read_as_a_pattern(
    server: BusServer, token: str
) -> None:
    """A7."""
    async with processes(server, 1) as (process,):
        with pytest.raises(InvalidSubject):
            await process.bus.publish([a_batch(1, tenant_id=TenantId(token))])
        with pytest.raises(InvalidSubject):
            await process.bus.broadcast(an_update(tenant_id=TenantId(token)))

        await process.bus.publish([a_batch(2)])
        await process.until(lambda: process.heard == [2])


def an_update(data: object = None, *, tenant_id: TenantId = TENANT) -> Ephemeral:
    return Ephemeral(
        tenant_id=tenant_id,
        topics=(Topic("job:1"),),
        type="JobLog",
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


async def test_broadcast_reaches_every_process(server: BusServer) -> None:
    async with processes(server) as (first, second):
        lines = [{"line": "ä" * 15_000}, {"line": "short"}]
        for line in lines:
            await first.bus.broadcast(an_update(line))

        for process in (first, second):
            await process.until(lambda process=process: len(process.updates) == 2)  # type: ignore[misc]
            assert process.updates == [an_update(line) for line in lines]


async def test_publish_twice_arrives_at_least_once(server: BusServer) -> None:
    async with processes(server, 1) as (process,):
        for seq in (1, 1, 2):
            await process.bus.publish([a_batch(seq)])

        await process.until(lambda: process.heard == [1, 2])


async def test_bus_follows_again_after_its_connection_was_cut(server: BusServer) -> None:
    async with processes(server) as (first, second):
        await first.bus.publish([a_batch(1)])
        await second.until(lambda: second.heard == [1])
        if server.proxy is None:
            pytest.skip("this bus has no connection")

        server.proxy.cut()
        await publish_until_taken(first.bus, a_batch(2))

        # What was published meanwhile may be lost; then the gap was announced.
        await second.until(lambda: second.gaps > 0)
        await publish_until_taken(first.bus, a_batch(3))
        await second.until(lambda: 3 in second.heard)


async def test_publish_says_so_while_the_server_is_away(server: BusServer) -> None:
    if server.proxy is None:
        pytest.skip("this bus has no server")
    async with processes(server, 1) as (process,):
        server.proxy.open = False
        server.proxy.cut()

        with pytest.raises(BusUnavailable):
            await process.bus.publish([a_batch(1)])
        await process.bus.broadcast(an_update())

        server.proxy.open = True
        await publish_until_taken(process.bus, a_batch(2))
        await process.until(lambda: process.gaps > 0)


async def test_bus_follows_again_after_everything_in_it_was_wiped(server: BusServer) -> None:
    if server.wipe is None:
        pytest.skip("this bus keeps nothing that could be wiped")
    async with processes(server) as (first, second):
        await first.bus.publish([a_batch(1)])
        await second.until(lambda: second.heard == [1])

        await server.wipe()

        await publish_until_taken(first.bus, a_batch(2))
        for process in (first, second):
            await process.until(lambda process=process: process.gaps > 0)  # type: ignore[misc]
        await publish_until_taken(first.bus, a_batch(3))
        await publish_until_taken(first.bus, a_batch(4))
        await second.until(lambda: 4 in second.heard)


async def test_start_fails_with_a_name_when_the_server_cannot_be_reached(
    server: BusServer,
) -> None:
    if server.proxy is None:
        pytest.skip("this bus has no server")
    server.proxy.open = False

    with pytest.raises(BusUnavailable):
        await server.bus().start()


async def test_stop_may_be_repeated(server: BusServer) -> None:
    process = Process(server.bus())
    await process.bus.start()

    await process.bus.stop()
    await process.bus.stop()

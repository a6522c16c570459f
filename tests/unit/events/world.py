"""A tenant with a stream, a relay and a bus of one process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import ClassVar

from tests.fixtures.stores import StoreClock, StoresKind, a_tenant, make_stores
from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.facts import Fact, RecordedFact, Topic
from tidemill.core.ids import TenantId, UserId
from tidemill.core.module import Projection, Reaction
from tidemill.core.ports import EventBus, FactBatch, StoreKind, Tx
from tidemill.events.contract import Drain
from tidemill.events.followers.drain import Followers
from tidemill.events.followers.service import Cursors
from tidemill.events.relay.drains import OutboxToStream, StreamToBus
from tidemill.events.relay.relay import Relay
from tidemill.events.relay.service import Outboxes
from tidemill.events.stream.service import Stream
from tidemill.infrastructure.database import Stores
from tidemill.infrastructure.messaging.memory import InProcessBus


class ThingHappened(Fact, frozen=True, kw_only=True):
    feature: ClassVar[str] = "testing"

    n: int
    project: str = "p"
    text: str = ""

    def topics(self) -> tuple[Topic, ...]:
        return (Topic(f"project:{self.project}"),)

    @property
    def subject(self) -> str:
        return str(self.n)


class OtherHappened(ThingHappened, frozen=True, kw_only=True):
    pass


def a_user(tenant_id: TenantId, *, role: Role = Role.MEMBER, user_id: str = "u-1") -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id=user_id,
        tenant_id=tenant_id,
        user_id=UserId(user_id),
        role=role,
        session_id=f"s-{user_id}",
    )


class World:
    """One process: its stores, bus, stream and relay."""

    def __init__(self, stores: Stores, bus: EventBus, tenant: TenantId, clock: StoreClock) -> None:
        self.clock = clock
        self.stores = stores
        self.bus = bus
        self.tenant = tenant
        self.stream = Stream(stores.tenants)
        self.cursors = Cursors(stores.tenants)
        self.followers = Followers(self.stream, self.cursors, holder="process-1")
        self.outboxes = Outboxes(control=stores.control, jobs=stores.jobs, clock=clock)
        self.relay = Relay(stores.wakeups)
        self.relay.add(StreamToBus(self.stream, bus))
        self.relay.add(OutboxToStream(self.outboxes, self.stream, self.relay.wake))
        self.relay.add(self.followers)
        self.heard: list[RecordedFact] = []
        bus.on_facts(self._hear)

    def _hear(self, batch: FactBatch) -> None:
        self.heard.extend(batch.facts)

    @property
    def heard_seqs(self) -> list[int]:
        return [fact.seq for fact in self.heard if fact.tenant_id == self.tenant]

    def follow(
        self, projections: Sequence[Projection] = (), reactions: Sequence[Reaction] = ()
    ) -> None:
        self.followers.add(projections, reactions)

    async def happen(
        self,
        *numbers: int,
        store: StoreKind = StoreKind.TENANT,
        tenant: TenantId | None = None,
        project: str = "p",
        text: str = "",
    ) -> None:
        """Record a fact for each number, in one transaction."""

        def use_case(tx: Tx) -> None:
            for n in numbers:
                fact = ThingHappened(n=n, project=project, text=text)
                tx.record(fact, by=system("test", tx.tenant_id))

        database = {
            StoreKind.TENANT: self.stores.tenants,
            StoreKind.CONTROL: self.stores.control,
            StoreKind.JOBS: self.stores.jobs,
        }[store]
        await database.write(tenant or self.tenant, use_case)

    async def other(self, n: int) -> None:
        def use_case(tx: Tx) -> None:
            tx.record(OtherHappened(n=n), by=system("test", tx.tenant_id))

        await self.stores.tenants.write(self.tenant, use_case)


@contextlib.asynccontextmanager
async def a_world(
    tmp_path: Path,
    kind: StoresKind = "sqlite",
    *,
    bus: EventBus | None = None,
    drains: Sequence[Drain] = (),
) -> AsyncIterator[World]:
    clock = StoreClock()
    async with make_stores(kind, tmp_path, clock=clock) as stores:
        tenant = await a_tenant(stores)
        world = World(stores, bus or InProcessBus(), tenant, clock)
        for drain in drains:
            world.relay.add(drain)
        try:
            yield world
        finally:
            await world.relay.stop()

"""A hub in a world of its own, and what its clients are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from tests.unit.events.world import World, a_user, a_world
from tidemill.core.actor import Actor, Role
from tidemill.core.facts import RecordedFact
from tidemill.core.ports import EventBus, FactBatch
from tidemill.events.live.connection import Connection, Limits
from tidemill.events.live.hub import Hub
from tidemill.events.live.visibility import MembersSeeTheirTenant
from tidemill.events.wire import Format


class Live:
    """A hub whose bus the test is: facts are written to the log and heard as the test says."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.tenant = world.tenant
        self.valid = True
        self.hub = Hub(
            bus=world.bus,
            stream=world.stream,
            visibility=MembersSeeTheirTenant(),
            still_valid=self._still_valid,
            clock=world.clock,
            limits=limits,
        )

    async def _still_valid(self, actor: Actor) -> bool:
        return self.valid

    def connected(
        self, *, role: Role = Role.MEMBER, format_: Format = Format.JSON
    ) -> contextlib.AbstractAsyncContextManager[Connection]:
        return self.hub.connected(a_user(self.tenant, role=role), format_)

    async def logged(self, count: int) -> list[RecordedFact]:
        """Write facts that no bus carries."""
        await self.world.happen(*range(1, count + 1))
        return await self.world.stream.after(self.tenant, 0)

    async def hear(self, *facts: RecordedFact) -> None:
        for fact in facts:
            batch = FactBatch(tenant_id=self.tenant, through=fact.seq, facts=(fact,))
            await self.world.bus.publish([batch])


def seqs_of(frames: Sequence[bytes]) -> list[int]:
    found: list[int] = []
    for frame in frames:
        message = msgspec.json.decode(frame)
        batch = message["batch"]["messages"] if "batch" in message else [message]
        found.extend(one["header"]["seq"] for one in batch if "header" in one)
    return found


def names_of(frames: Sequence[bytes]) -> list[str]:
    envelope = {"message_id", "timestamp", "through_seq", "stream_epoch", "header"}
    return [next(iter(set(msgspec.json.decode(frame)) - envelope)) for frame in frames]


async def next_seqs(connection: Connection, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found.extend(seqs_of(await connection.next_frames()))
    return found


@contextlib.asynccontextmanager
async def a_live(
    tmp_path: Path, limits: Limits | None = None, *, bus: EventBus | None = None
) -> AsyncIterator[Live]:
    async with a_world(tmp_path, bus=bus) as world:
        live = Live(world, limits or Limits())
        await live.hub.start()
        try:
            yield live
        finally:
            await live.hub.stop()

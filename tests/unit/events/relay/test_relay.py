from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.stores import KINDS_BY_TIER, StoresKind, a_tenant, until
from tests.fixtures.waiting import Stopwatch
from tests.unit.events.world import World, a_world
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind, Tx
from tidemill.events.contract import Progress

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.each_database(reason="commits overtake each other on PostgreSQL alone"),
]


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kind: StoresKind = request.param
    async with a_world(tmp_path, kind) as world:
        yield world


async def test_relay_sends_facts_to_the_bus_within_a_second(world: World) -> None:
    await world.relay.start()
    watch = Stopwatch()

    await world.happen(1, 2)
    await until(lambda: watch.look() > 1.0 or world.heard_seqs == [1, 2])

    assert world.heard_seqs == [1, 2]


async def test_relay_sends_what_an_earlier_process_left(world: World) -> None:
    await world.happen(*range(1, 451))

    await world.relay.start()

    await until(lambda: len(world.heard) == 450)
    assert world.heard_seqs == list(range(1, 451))


@pytest.mark.parametrize("store", [StoreKind.CONTROL, StoreKind.JOBS])
async def test_relay_numbers_facts_of_other_stores_on_the_stream(
    world: World, store: StoreKind
) -> None:
    await world.relay.start()

    await world.happen(1, 2, 3, store=store)

    await until(lambda: world.heard_seqs == [1, 2, 3])
    assert [fact.subject for fact in world.heard] == ["1", "2", "3"]
    await until(lambda: not world.relay.figures.lanes_waiting)
    assert await world.outboxes.undelivered(store, world.tenant, 10) == []


async def test_relay_mixes_stores_on_one_stream_without_gaps(world: World) -> None:
    await world.relay.start()

    await asyncio.gather(
        *(
            world.happen(n, store=store)
            for n, store in enumerate([StoreKind.TENANT, StoreKind.CONTROL, StoreKind.JOBS] * 10)
        )
    )

    await until(lambda: len(world.heard) >= 30)
    assert world.heard_seqs == list(range(1, 31))
    assert {fact.subject for fact in world.heard} == {str(n) for n in range(30)}


async def test_append_once_by_two_relays_at_a_time_appends_each_fact_once(world: World) -> None:
    await world.happen(*range(20), store=StoreKind.JOBS)
    facts = await world.outboxes.undelivered(StoreKind.JOBS, world.tenant, 50)

    appended = await asyncio.gather(
        *(world.stream.append_once(world.tenant, facts) for _ in range(4))
    )

    assert sum(appended) == 20
    stored = await world.stream.after(world.tenant, 0)
    assert [fact.seq for fact in stored] == list(range(1, 21))
    assert [fact.id for fact in stored] == [fact.id for fact in facts]


async def test_relay_delivers_the_installations_facts(world: World) -> None:
    await world.relay.start()

    await world.happen(1, store=StoreKind.CONTROL, tenant=INSTALLATION)

    await until(lambda: [fact.tenant_id for fact in world.heard] == [INSTALLATION])


async def test_relay_remembers_what_the_bus_heard_once_the_tenant_is_quiet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("quiet_seconds", "poll_seconds"):
        monkeypatch.setattr(f"tidemill.events.relay.relay.{name}", 0.05)
    await world.relay.start()
    await world.happen(1, 2)

    async def settled() -> bool:
        head = await world.stream.head(world.tenant)
        return head.published_seq == 2

    async with asyncio.timeout(60):
        while not await settled():  # noqa: ASYNC110 - a state in the database
            await asyncio.sleep(0.01)
    await until(lambda: not world.relay.figures.lanes_waiting)


class Failing:
    """A drain that fails for one tenant."""

    name = "failing"
    kinds = frozenset({StoreKind.TENANT})
    delay_seconds = 0.0

    def __init__(self) -> None:
        self.fails_for: TenantId | None = None
        self.served: list[TenantId] = []

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        if tenant_id == self.fails_for:
            raise RuntimeError("poison")
        self.served.append(tenant_id)
        return Progress()

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        pass


async def test_relay_goes_on_with_other_tenants_while_one_fails(tmp_path: Path) -> None:
    failing = Failing()
    async with a_world(tmp_path, drains=[failing]) as world:
        failing.fails_for = world.tenant
        other = await a_tenant(world.stores)
        await world.relay.start()

        await world.happen(1)
        await world.happen(1, tenant=other)

        await until(lambda: other in failing.served)
        await until(lambda: world.relay.figures.lanes_failing == 1)
        await until(lambda: len(world.heard) == 2)
        failing.fails_for = None
        await until(lambda: world.tenant in failing.served)


class _Collecting(Failing):
    """A drain that lets facts come together for an hour."""

    name = "collecting"
    delay_seconds = 3_600.0


async def test_stop_carries_at_once_what_a_drain_lets_come_together(tmp_path: Path) -> None:
    collecting = _Collecting()
    async with a_world(tmp_path, drains=[collecting]) as world:
        await world.relay.start()
        await world.happen(1)
        await until(lambda: world.heard_seqs == [1])

        await world.relay.stop()

        assert collecting.served == [world.tenant]


async def test_prune_deletes_what_was_delivered_over_seven_days_ago(world: World) -> None:
    await world.happen(1, 2, store=StoreKind.JOBS)
    facts = await world.outboxes.undelivered(StoreKind.JOBS, world.tenant, 10)
    await world.outboxes.delivered(StoreKind.JOBS, world.tenant, facts[:1])

    await world.outboxes.prune()
    assert await _rows(world) == 2
    world.clock.advance(7 * 24 * 3600 + 60)
    await world.outboxes.prune()

    assert await _rows(world) == 1


async def _rows(world: World) -> int:
    def use_case(tx: Tx) -> int:
        row = tx.one("SELECT COUNT(*) FROM outbox WHERE tenant_id = :tenant_id")
        assert row is not None
        return int(row[0])

    return await world.stores.jobs.read(world.tenant, use_case)


class _Counting:
    """A drain that counts its turns, and lets the store be looked into again after each."""

    kinds = frozenset({StoreKind.JOBS})
    delay_seconds = 0.0

    def __init__(self, world: World, name: str, *, found: bool, again: int = 0) -> None:
        self.name = name
        self.turns = 0
        self.woken_at_last = 0
        self._world = world
        self._found = found
        self._again = again

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        self.turns += 1
        self.woken_at_last = self._world.relay.figures.turns
        await asyncio.sleep(0)
        if self.turns < self._again:
            self._world.relay.wake(kind, tenant_id)
        return Progress(found=self._found)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        pass


async def test_a_drain_that_finds_nothing_is_not_asked_after_each_commit(world: World) -> None:
    busy = _Counting(world, "busy", found=True, again=300)
    idle = _Counting(world, "idle", found=False)
    world.relay.add(busy)
    world.relay.add(idle)
    await world.relay.start()

    world.relay.wake(StoreKind.JOBS, world.tenant)
    await until(lambda: busy.turns == 300 and not world.relay.figures.lanes_waiting)

    assert idle.turns < busy.turns / 2
    assert idle.woken_at_last > busy.woken_at_last

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.stores import KINDS_BY_TIER, StoresKind, a_tenant, until
from tests.unit.events.world import OtherHappened, ThingHappened, World, a_world
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.module import Projection, Reaction
from tidemill.core.ports import Tx
from tidemill.events.followers import drain
from tidemill.events.followers.drain import Followers

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kind: StoresKind = request.param
    async with a_world(tmp_path, kind) as world:
        yield world


def sums(name: str = "sums", *, poison: set[int] | None = None) -> Projection:
    """Write each fact's number into the tenant's own store."""

    def apply(tx: Tx, fact: RecordedFact) -> None:
        thing = decode_fact(fact, ThingHappened)
        if poison and thing.n in poison:
            raise RuntimeError("poison")
        tx.execute(
            "INSERT INTO idempotency_keys"
            " (tenant_id, scope, key, fingerprint, result, created_at)"
            " VALUES (:tenant_id, :name, :key, '', :n, :now)",
            name=name,
            key=f"{fact.seq:05}",
            n=str(thing.n),
        )

    return Projection(name=name, facts=(ThingHappened,), apply=apply)


async def applied(world: World, name: str = "sums") -> list[int]:
    def use_case(tx: Tx) -> list[int]:
        rows = tx.all(
            "SELECT result FROM idempotency_keys"
            " WHERE tenant_id = :tenant_id AND scope = :name ORDER BY key",
            name=name,
        )
        return [int(row[0]) for row in rows]

    return await world.stores.tenants.read(world.tenant, use_case)


async def until_applied(world: World, expected: list[int], name: str = "sums") -> None:
    async with asyncio.timeout(60):
        while await applied(world, name) != expected:  # noqa: ASYNC110 - a state in the database
            await asyncio.sleep(0.01)


@pytest.mark.each_database(reason="transactions race")
async def test_projection_takes_effect_once_in_order(world: World) -> None:
    world.follow([sums()])
    await world.happen(*range(1, 251))
    await world.other(0)
    await world.relay.start()
    await world.happen(251)

    await until_applied(world, list(range(1, 252)))
    await world.relay.stop()

    again = Followers(world.stream, world.cursors, holder="process-2")
    again.add([sums()], [])
    for kind in again.kinds:
        await again.drain(kind, world.tenant)
    assert await applied(world) == list(range(1, 252))


async def test_projection_that_fails_holds_neither_others_nor_other_tenants(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "retry_delay_seconds_min", 0.02)
    poison = {3}
    world.follow([sums("healthy"), sums("poisoned", poison=poison)])
    await world.relay.start()

    await world.happen(1, 2, 3, 4)

    await until_applied(world, [1, 2, 3, 4], "healthy")
    await until_applied(world, [1, 2], "poisoned")
    await until(lambda: world.followers.figures.blocked == 1)
    await world.happen(5)
    await until_applied(world, [1, 2, 3, 4, 5], "healthy")

    poison.clear()
    await until_applied(world, [1, 2, 3, 4, 5], "poisoned")
    await until(lambda: world.followers.figures.blocked == 0)


class Reactor:
    def __init__(self, *, poison: set[int] | None = None, failures: int = 0) -> None:
        self.seen: list[int] = []
        self.poison = poison or set()
        self.failures = failures

    async def react(self, fact: RecordedFact) -> None:
        n = decode_fact(fact, ThingHappened).n
        if n in self.poison:
            raise RuntimeError("poison")
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not yet")
        self.seen.append(n)

    def reaction(self) -> Reaction:
        return Reaction(name="reactor", facts=(ThingHappened,), react=self.react)


async def test_reaction_is_tried_again_until_it_succeeds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "retry_delay_seconds_min", 0.01)
    reactor = Reactor(failures=3)
    world.follow((), [reactor.reaction()])
    await world.relay.start()

    await world.happen(1, 2)

    await until(lambda: reactor.seen == [1, 2])
    assert world.followers.figures == drain.FollowerFigures(blocked=0, parked=0)


async def test_reaction_parks_a_poison_fact_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "retry_delay_seconds_min", 0.001)
    monkeypatch.setattr(drain, "attempts_max", 4)
    reactor = Reactor(poison={2})
    world.follow((), [reactor.reaction()])
    await world.relay.start()

    await world.happen(1, 2, 3)

    await until(lambda: reactor.seen == [1, 3])
    assert world.followers.figures.parked == 1

    def parked(tx: Tx) -> list[tuple[str, int, int]]:
        rows = tx.all("SELECT name, seq, attempts FROM parked_facts WHERE tenant_id = :tenant_id")
        return [(row[0], row[1], row[2]) for row in rows]

    assert await world.stores.tenants.read(world.tenant, parked) == [("reactor", 2, 4)]


@pytest.mark.each_database(reason="transactions race")
async def test_reaction_is_not_run_by_two_processes_at_a_time(world: World) -> None:
    first, second = Reactor(), Reactor()
    world.follow((), [first.reaction()])
    other = Followers(world.stream, world.cursors, holder="process-2")
    other.add((), [second.reaction()])
    await world.happen(*range(1, 51))

    async def run(followers: Followers) -> None:
        (kind,) = followers.kinds
        while not (progress := await followers.drain(kind, world.tenant)).clean:  # noqa: ASYNC110 - as the relay does
            await asyncio.sleep(progress.retry_after_seconds or 0)

    await asyncio.gather(run(world.followers), run(other))

    assert sorted(first.seen + second.seen) == list(range(1, 51))


async def test_followers_of_one_tenant_do_not_see_anothers_facts(world: World) -> None:
    reactor = Reactor()
    world.follow((), [reactor.reaction()])
    stranger = await a_tenant(world.stores)
    await world.relay.start()

    await world.happen(1)
    await world.happen(7, tenant=stranger)

    await until(lambda: sorted(reactor.seen) == [1, 7])
    assert OtherHappened.__name__ not in {fact.type for fact in world.heard}

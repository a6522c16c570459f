"""The audit chain on every kind of store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fixtures.stores import KINDS_BY_TIER, StoresKind, a_tenant, make_stores
from tidemill.audit.chain.models import Break, Head, Query
from tidemill.audit.chain.repository import add, forward, locked_head
from tidemill.audit.chain.service import Chain, page_length
from tidemill.audit.chain.witness import Witness, WitnessKeeper
from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.pages import InvalidCursor, PageRequest
from tidemill.core.ports import Database, StoreKind, Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio

KEY = b"a key outside the database" * 2


class World:
    def __init__(self, stores: Stores, tenant: TenantId, directory: Path) -> None:
        self.stores = stores
        self.tenant = tenant
        self.directory = directory
        self.actor = Actor(kind=ActorKind.USER, id="u1", tenant_id=tenant, role=Role.OWNER)
        self.witness = Witness(directory, KEY)
        self.chain = Chain(
            {
                StoreKind.CONTROL: stores.control,
                StoreKind.JOBS: stores.jobs,
                StoreKind.TENANT: stores.tenants,
            },
            KEY,
            self.witness,
        )

    async def audited(self, *resources: str, store: Database | None = None) -> None:
        def use_case(tx: Tx) -> None:
            for resource in resources:
                tx.audit("test.things.change", by=self.actor, resource=resource, after={"a": 1})

        await (store or self.stores.tenants).write(self.tenant, use_case)

    async def drained(self, kind: StoreKind = StoreKind.TENANT) -> None:
        while (await self.chain.drain(kind, self.tenant)).more:
            pass

    async def change(self, sql: str) -> None:
        await self.stores.tenants.write(self.tenant, lambda tx: tx.execute(sql))

    async def newest(self) -> Instant:
        """Return an instant after all lines so far and before all that follow."""
        page = await self.chain.search(Query(), PageRequest(), actor=self.actor)
        await asyncio.sleep(0.002)
        return Instant(page.items[0].at + 1)

    async def problems(self) -> list[tuple[int, Break]]:
        verification = await self.chain.verify(self.tenant)
        return [(problem.seq, problem.kind) for problem in verification.problems]

    async def resources(self, query: Query | None = None) -> list[str]:
        page = await self.chain.search(query or Query(), PageRequest(), actor=self.actor)
        return [line.resource for line in page.items]


@pytest.fixture(params=KINDS_BY_TIER)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    kind: StoresKind = request.param
    async with make_stores(kind, tmp_path) as stores:
        yield World(stores, await a_tenant(stores), tmp_path / "audit")


@pytest.mark.each_database(reason="transactions race")
async def test_drain_chains_what_every_store_audited(world: World) -> None:
    await world.audited("a:1", "a:2")
    await world.audited("b:1", store=world.stores.control)
    await world.audited("c:1", store=world.stores.jobs)
    for kind in StoreKind:
        await world.drained(kind)

    assert sorted(await world.resources()) == ["a:1", "a:2", "b:1", "c:1"]
    assert await world.problems() == []


async def test_drain_repeated_adds_nothing(world: World) -> None:
    await world.audited("b:1", store=world.stores.control)
    await asyncio.gather(*(world.drained(StoreKind.CONTROL) for _ in range(3)))
    await world.drained(StoreKind.CONTROL)

    assert await world.resources() == ["b:1"]


@pytest.mark.each_database(reason="transactions race")
async def test_drain_by_several_processes_at_a_time_chains_each_line_once(world: World) -> None:
    await world.audited(*(f"a:{number}" for number in range(20)))

    await asyncio.gather(*(world.drained() for _ in range(4)))

    assert await world.resources() == [f"a:{number}" for number in reversed(range(20))]
    assert await world.problems() == []


async def test_search_filters_and_pages_newest_first(world: World) -> None:
    await world.audited(*(f"a:{number}" for number in range(5)))
    await world.drained()

    first = await world.chain.search(Query(), PageRequest(limit=2), actor=world.actor)
    found = await world.resources(Query(resource="a:3", actor="u1", action="test.things.change"))

    assert [line.resource for line in first.items] == ["a:4", "a:3"]
    assert first.next_cursor is not None
    assert found == ["a:3"]
    assert await world.resources(Query(actor="nobody")) == []


async def test_verify_finds_a_changed_row_a_removed_row_and_a_cut_tail(world: World) -> None:
    await world.audited(*(f"a:{number}" for number in range(6)))
    await world.drained()
    await WitnessKeeper(world.witness, world.chain.head_after).keep()

    await world.change(
        "UPDATE audit_lines SET actor_id = 'x' WHERE tenant_id = :tenant_id AND seq = 2"
    )
    await world.change("DELETE FROM audit_lines WHERE tenant_id = :tenant_id AND seq = 4")
    await world.change("DELETE FROM audit_lines WHERE tenant_id = :tenant_id AND seq = 6")
    await world.change(
        "UPDATE audit_heads SET seq = 5, hash ="
        " (SELECT hash FROM audit_lines WHERE tenant_id = :tenant_id AND seq = 5)"
        " WHERE tenant_id = :tenant_id"
    )

    assert await world.problems() == [
        (2, Break.CHANGED),
        (4, Break.REMOVED),
        (6, Break.CUT),
    ]


async def test_verify_finds_a_head_that_was_set_back(world: World) -> None:
    """Whatever lies beyond it, the walk ends."""
    await world.audited(*(f"a:{number}" for number in range(page_length)))
    await world.drained()
    await world.change(
        f"UPDATE audit_heads SET seq = 0, hash = '{Head().hash}' WHERE tenant_id = :tenant_id"
    )

    async with asyncio.timeout(60):
        assert await world.problems() == [(1, Break.CHANGED)]


async def test_verify_finds_a_cut_tail_after_new_lines_took_its_place(world: World) -> None:
    """An hour later the head is kept again, which must not hide the cut."""
    await world.audited(*(f"a:{number}" for number in range(6)))
    await world.drained()
    keeper = WitnessKeeper(world.witness, world.chain.head_after)
    await keeper.keep()
    await world.change("DELETE FROM audit_lines WHERE tenant_id = :tenant_id AND seq > 4")
    await world.change(
        "UPDATE audit_heads SET seq = 4, hash ="
        " (SELECT hash FROM audit_lines WHERE tenant_id = :tenant_id AND seq = 4)"
        " WHERE tenant_id = :tenant_id"
    )
    await world.audited(*(f"b:{number}" for number in range(6)))
    await world.drained()

    with capture_logs() as lines:
        await keeper.keep()

    assert [line["tenant_id"] for line in lines if line["event"] == "audit.chain.broken"] == [
        world.tenant
    ]
    assert await world.problems() == [(6, Break.CHANGED)]


@pytest.mark.parametrize("first", [b"0 ", b"one ", b"\xff ", b"9" * 5_000 + b" "])
async def test_verify_refuses_a_forged_witness(world: World, first: bytes) -> None:
    await world.audited("a:1")
    await world.drained()
    await WitnessKeeper(world.witness, world.chain.head_after).keep()
    kept = next(world.directory.glob("*.head"))
    kept.write_bytes(kept.read_bytes().replace(b"1 ", first, 1))

    assert await world.problems() == [(0, Break.FORGED)]


async def test_erase_before_removes_what_lines_say_and_keeps_the_chain(world: World) -> None:
    await world.audited(*(f"a:{number}" for number in range(4)))
    await world.drained()
    before = await world.newest()
    await world.audited("a:4")
    await world.drained()

    erased = await world.chain.erase_before(before)

    assert erased == 4
    assert await world.problems() == []
    assert await world.resources() == [f"tenant:{world.tenant}", "a:4", "", "", "", ""]
    assert await world.resources(Query(actor="u1")) == ["a:4"]
    assert await world.chain.erase_before(before) == 0


@pytest.mark.parametrize("column", ["at = at + 1", "id = 'forged'"])
async def test_verify_finds_what_was_changed_of_a_line_after_it_was_erased(
    world: World, column: str
) -> None:
    for turn in range(2):
        await world.audited(*(f"a:{turn}{number}" for number in range(3)))
        await world.drained()
        await world.chain.erase_before(await world.newest())
    untouched = await world.problems()

    await world.change(f"UPDATE audit_lines SET {column} WHERE tenant_id = :tenant_id AND seq = 2")
    at_once = await world.problems()
    await world.audited("a:20")
    await world.drained()
    await world.chain.erase_before(await world.newest())

    assert untouched == []
    assert at_once == [(7, Break.CHANGED)]
    assert await world.problems() == [(9, Break.CHANGED)]


@pytest.mark.parametrize(
    "change", ["at = 1", "body = NULL, action = '', actor_id = '', resource = ''"]
)
async def test_erase_before_leaves_what_somebody_changed_for_verify_to_find(
    world: World, change: str
) -> None:
    await world.audited("a:1", "a:2", "a:3", "a:4")
    await world.drained()
    await world.change(f"UPDATE audit_lines SET {change} WHERE tenant_id = :tenant_id AND seq = 2")
    found = await world.problems()
    before = await world.newest()

    with capture_logs() as logs:
        erased = [await world.chain.erase_before(before) for _ in range(2)]

    assert erased == [1, 0]
    assert [(line["event"], line["seq"]) for line in logs] == [("audit.erase.stopped", 2)] * 2
    assert [seq for seq, _ in found] == [2]
    assert await world.problems() == found


async def test_erase_before_goes_on_with_others_where_a_store_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.audited("a:1")
    await world.drained()
    before = await world.newest()
    away = await a_tenant(world.stores)
    write = world.stores.tenants.write

    async def refused(tenant_id: TenantId, *arguments: Any) -> Any:
        if tenant_id in {away, INSTALLATION}:
            raise StoreUnavailable("tenant", "it is damaged")
        return await write(tenant_id, *arguments)

    monkeypatch.setattr(world.stores.tenants, "write", refused)

    assert await world.chain.erase_before(before) == 1


async def test_verify_holds_while_retention_erases_what_it_has_not_yet_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.audited("a:1", "a:2")
    await world.drained()
    before = await world.newest()
    walk = world.chain._walk

    async def erased_first(*arguments: Any) -> int:
        await world.chain.erase_before(before)
        return await walk(*arguments)

    monkeypatch.setattr(world.chain, "_walk", erased_first)

    assert await world.problems() == []


async def test_verify_finds_a_body_that_somebody_else_erased(world: World) -> None:
    await world.audited("a:1", "a:2", "a:3")
    await world.drained()

    await world.change(
        "UPDATE audit_lines SET body = NULL, action = '', actor_id = '', resource = ''"
        " WHERE tenant_id = :tenant_id AND seq = 2"
    )

    assert await world.problems() == [(2, Break.ERASED)]


async def test_verify_ends_where_lines_come_faster_than_it_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.audited("a:1", "a:2", "a:3")
    await world.drained()
    await world.change(
        "UPDATE audit_lines SET body = NULL, action = '', actor_id = '', resource = ''"
        " WHERE tenant_id = :tenant_id AND seq = 2"
    )
    head, asked = world.chain.head, 0

    async def moved_on(tenant_id: TenantId) -> Head:
        nonlocal asked
        asked += 1
        assert asked < 10, "it walks for as long as lines come"
        await world.audited("a:more")
        await world.drained()
        return await head(tenant_id)

    monkeypatch.setattr(world.chain, "head", moved_on)

    assert (2, Break.ERASED) in await world.problems()


async def test_verify_finds_a_chain_of_another_tenant(world: World) -> None:
    await world.audited("a:1", "a:2")
    await world.drained()
    stranger = await a_tenant(world.stores)
    lines = await world.stores.tenants.read(world.tenant, lambda tx: forward(tx, after=0, limit=9))

    def copied(tx: Tx) -> None:
        locked_head(tx)
        add(tx, lines)

    await world.stores.tenants.write(stranger, copied)

    verification = await world.chain.verify(stranger)
    assert {problem.kind for problem in verification.problems} == {Break.CHANGED}


async def test_witness_remembers_across_a_crash_which_chains_moved(world: World) -> None:
    await world.audited("a:1")
    await world.drained()
    # Another process, after this one was killed before the hour was over.
    witness = Witness(world.directory, KEY)

    await WitnessKeeper(witness, world.chain.head_after).keep()

    assert await witness.last(world.tenant) == await world.chain.head(world.tenant)
    assert list(world.directory.glob("*.moved")) == []


async def test_witness_keeps_a_chain_that_moved_while_it_was_kept(world: World) -> None:
    """The mark of a line that comes while the head is written is not taken away with the old."""
    await world.audited("a:1")
    await world.drained()
    tenant = world.tenant
    marked = threading.Event()
    mark = world.witness._mark

    def slow_mark(moved: TenantId) -> None:
        mark(moved)
        marked.set()
        kept.wait(5)

    kept = threading.Event()
    world.witness._mark = slow_mark  # type: ignore[method-assign, assignment]

    async def head_of(_tenant: TenantId, _kept: Head | None) -> Head:
        head = await world.chain.head(tenant)
        await world.audited("a:2")
        moving.append(asyncio.create_task(world.drained()))
        await asyncio.to_thread(marked.wait, 5)
        return head

    moving: list[asyncio.Task[None]] = []
    await world.witness.keep(head_of)
    kept.set()
    await moving[0]
    await world.witness.keep(world.chain.head_after)

    assert await world.witness.last(tenant) == await world.chain.head(tenant)


async def test_search_refuses_a_cursor_that_another_list_made(world: World) -> None:
    page = PageRequest(after=("a:1",))

    with pytest.raises(InvalidCursor):
        await world.chain.search(Query(), page, actor=world.actor)

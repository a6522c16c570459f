"""What a transaction promises, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.facts import LampLit
from tests.fixtures.stores import StoreClock, a_tenant, make_stores, until
from tidemill.core.actor import Origin, system
from tidemill.core.errors import InvalidInput
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Once, Tx, Value
from tidemill.core.store_errors import ConstraintViolated, IdempotencyKeyReused
from tidemill.infrastructure.database import Stores
from tidemill.infrastructure.database.postgres import committing, database
from tidemill.infrastructure.database.postgres.tx import PostgresTx

pytestmark = pytest.mark.anyio


_FOLLOW = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, :seq)"
_FOLLOWERS = "SELECT name, seq FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 999"
_STREAM = """
    SELECT seq, type, subject, at, actor, topics, data, traceparent
    FROM stream WHERE tenant_id = :tenant_id ORDER BY seq LIMIT 9999
"""


async def test_write_integration_commits_what_the_use_case_wrote(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    changed = await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=7))

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert changed == 1
    assert [tuple(row) for row in rows] == [("a", 7)]


async def test_write_integration_rolls_back_when_the_use_case_raises(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    def use_case(tx: Tx) -> None:
        tx.execute(_FOLLOW, name="a", seq=1)
        tx.record(LampLit(lamp_id="1"), by=system("test", tenant))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await stores.tenants.write(tenant, use_case)

    rows = await stores.tenants.read(tenant, lambda tx: (tx.all(_FOLLOWERS), tx.all(_STREAM)))
    assert [list(found) for found in rows] == [[], []]


async def test_write_integration_one_failure_in_a_group_leaves_the_others(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    def use_case(number: int) -> Callable[[Tx], int]:
        def run(tx: Tx) -> int:
            tx.execute(_FOLLOW, name=f"n{number:03}", seq=number)
            tx.record(LampLit(lamp_id=str(number)), by=system("test", tenant))
            if number % 3 == 0:
                raise LookupError(str(number))
            return number

        return run

    results = await asyncio.gather(
        *(stores.tenants.write(tenant, use_case(n)) for n in range(30)),
        return_exceptions=True,
    )

    kept = [n for n in range(30) if n % 3]
    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    stream = await stores.tenants.read(tenant, lambda tx: tx.all(_STREAM))
    assert [result for result in results if not isinstance(result, BaseException)] == kept
    assert [row[1] for row in rows] == kept
    assert [row[0] for row in stream] == list(range(1, len(kept) + 1)), "seq must be gapless"
    assert sorted(int(row[2]) for row in stream) == kept


async def test_write_integration_50_writers_lose_no_row(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="sum", seq=0))

    def use_case(tx: Tx) -> None:
        tx.execute(
            "UPDATE followers SET seq = seq + 1 WHERE tenant_id = :tenant_id AND name = 'sum'"
        )
        tx.record(LampLit(lamp_id=tx.new_id()), by=system("test", tenant))

    await asyncio.gather(*(stores.tenants.write(tenant, use_case) for _ in range(50)))

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    stream = await stores.tenants.read(tenant, lambda tx: tx.all(_STREAM))
    assert [tuple(row) for row in rows] == [("sum", 50)]
    assert [row[0] for row in stream] == list(range(1, 51))


async def test_record_integration_keeps_the_fact_whole(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    by = msgspec.structs.replace(
        system("tester", tenant), origin=Origin(request_id="r1", traceparent="00-ab-cd-01")
    )

    await stores.tenants.write(tenant, lambda tx: tx.record(LampLit(lamp_id="ü1"), by=by))

    (row,) = await stores.tenants.read(tenant, lambda tx: tx.all(_STREAM))
    assert tuple(row[:3]) == (1, "LampLit", "ü1")
    assert isinstance(row[3], int)
    assert msgspec.json.decode(row[4]) == {"kind": "system", "id": "tester", "user_id": None}
    assert msgspec.json.decode(row[5]) == ["lamp:ü1"]
    assert msgspec.json.decode(row[6], type=LampLit) == LampLit(lamp_id="ü1")
    assert row[7] == "00-ab-cd-01"


@pytest.mark.parametrize("store", ["control", "jobs"])
async def test_record_integration_in_shared_stores_goes_to_the_outbox(
    stores: Stores, store: str
) -> None:
    database = getattr(stores, store)
    by = system("tester", INSTALLATION)

    def use_case(tx: Tx) -> None:
        for number in range(3):
            tx.record(LampLit(lamp_id=str(number)), by=by)
        tx.audit("lamps.lamps.light", by=by, resource="lamp:1", after={"lit": True})

    await database.write(TenantId("t-1"), use_case)

    def look(tx: Tx) -> tuple[list[str], list[object]]:
        facts = tx.all("SELECT subject FROM outbox WHERE tenant_id = :tenant_id ORDER BY position")
        audits = tx.all("SELECT action, after, before, delivered_at FROM audit_outbox")
        return [row[0] for row in facts], [tuple(row) for row in audits]

    subjects, audits = await database.read(TenantId("t-1"), look)
    assert subjects == ["0", "1", "2"]
    assert audits == [("lamps.lamps.light", '{"lit":true}', None, None)]


async def test_read_integration_cannot_write(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await stores.tenants.read(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=1))

    assert await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS)) == []


async def test_read_integration_sees_one_snapshot(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=1))
    loop = asyncio.get_running_loop()
    counts: list[int] = []

    def use_case(tx: Tx) -> None:
        counts.append(len(tx.all(_FOLLOWERS)))
        if tx.dialect == "sqlite":
            # The use case holds a reader thread, so another thread may write meanwhile.
            future = asyncio.run_coroutine_threadsafe(_write_b(stores, tenant), loop)
            future.result(60)
        counts.append(len(tx.all(_FOLLOWERS)))

    await stores.tenants.read(tenant, use_case)

    assert counts == [1, 1]


async def _write_b(stores: Stores, tenant: TenantId) -> None:
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="b", seq=1))


async def test_write_integration_names_a_broken_constraint(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=1))

    with pytest.raises(ConstraintViolated):
        await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=2))


async def test_execute_many_integration_writes_every_mapping(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    rows: list[dict[str, Value]] = [{"name": f"n{number}", "seq": number} for number in range(5)]

    await stores.tenants.write(tenant, lambda tx: tx.execute_many(_FOLLOW, rows))

    found = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert [tuple(row) for row in found] == [(row["name"], row["seq"]) for row in rows]


async def test_one_integration_returns_ints_and_text(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a", seq=2**53 + 1))

    def use_case(tx: Tx) -> object:
        return tx.one(
            "SELECT name, seq, SUM(seq), COUNT(*), :now FROM followers "
            "WHERE tenant_id = :tenant_id GROUP BY name, seq".replace(
                ":now", "CAST(:now AS BIGINT)"
            )
        )

    row = await stores.tenants.read(tenant, use_case)
    assert row is not None
    assert [type(value) for value in row] == [str, int, int, int, int]  # type: ignore[attr-defined]


async def test_once_integration_runs_the_use_case_one_time(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    once = Once(
        key="k",
        scope="me",
        fingerprint="f",
        result_type=dict[str, str],
        without_secrets=lambda result: {**result, "token": ""},
    )
    ran = []

    def use_case(tx: Tx) -> dict[str, str]:
        ran.append(1)
        tx.execute(_FOLLOW, name=tx.new_id(), seq=1)
        return {"id": "1", "token": "secret"}

    first = await stores.tenants.write(tenant, use_case, once=once)
    second = await stores.tenants.write(tenant, use_case, once=once)

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert (first, second) == ({"id": "1", "token": "secret"}, {"id": "1", "token": ""})
    assert (len(ran), len(rows)) == (1, 1)


async def test_once_integration_refuses_another_request_under_the_same_key(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    once = Once(key="k", scope="me", fingerprint="f", result_type=int)
    other = Once(key="k", scope="me", fingerprint="g", result_type=int)
    await stores.tenants.write(tenant, lambda _tx: 1, once=once)

    with pytest.raises(IdempotencyKeyReused):
        await stores.tenants.write(tenant, lambda _tx: 2, once=other)


async def test_once_integration_20_at_a_time_have_one_effect(stores: Stores) -> None:
    tenant = await a_tenant(stores)
    once = Once(key="k", scope="me", fingerprint="f", result_type=str)

    def use_case(tx: Tx) -> str:
        name = tx.new_id()
        tx.execute(_FOLLOW, name=name, seq=1)
        return name

    results = await asyncio.gather(
        *(stores.tenants.write(tenant, use_case, once=once) for _ in range(20))
    )

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert {row[0] for row in rows} == set(results)
    assert len(rows) == 1


async def test_once_integration_forgets_a_key_after_its_time(
    stores: Stores, clock: StoreClock
) -> None:
    tenant = await a_tenant(stores)
    once = Once(key="k", scope="me", fingerprint="f", result_type=int)
    await stores.tenants.write(tenant, lambda _tx: 1, once=once)

    clock.advance(25 * 3600)

    assert await stores.tenants.write(tenant, lambda _tx: 2, once=once) == 2


async def test_after_commit_integration_runs_on_the_loop_and_only_when_committed(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    calls: list[object] = []

    def use_case(tx: Tx, *, fail: bool) -> None:
        tx.after_commit(lambda: calls.append(asyncio.get_running_loop()))
        if fail:
            raise LookupError

    await stores.tenants.write(tenant, lambda tx: use_case(tx, fail=False))
    with pytest.raises(LookupError):
        await stores.tenants.write(tenant, lambda tx: use_case(tx, fail=True))

    assert calls == [asyncio.get_running_loop()]


@pytest.mark.needs("postgres")
async def test_after_commit_integration_runs_though_the_caller_left_during_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = committing.commit
    under_way, goes_on = asyncio.Event(), asyncio.Event()
    calls: list[str] = []
    used: list[object] = []

    async def slowly(connection: Any) -> None:
        # The followers of the stores commit too.
        if connection in used:
            under_way.set()
            await goes_on.wait()
        await commit(connection)

    def use_case(tx: Tx) -> None:
        assert isinstance(tx, PostgresTx)
        used.append(tx._connection)
        tx.execute(_FOLLOW, name="a", seq=1)
        tx.after_commit(lambda: calls.append("told"))

    async with make_stores("schema", tmp_path) as stores:
        tenant = await a_tenant(stores)
        monkeypatch.setattr(database, "commit", slowly)
        writing = asyncio.create_task(stores.tenants.write(tenant, use_case))
        async with asyncio.timeout(60):
            await under_way.wait()
            writing.cancel()
            goes_on.set()
            with pytest.raises(asyncio.CancelledError):
                await writing
        await until(lambda: calls)
        rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))

    assert calls == ["told"]
    assert [tuple(row) for row in rows] == [("a", 1)]


async def test_execute_integration_counts_what_a_returning_statement_changed(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)

    def use_case(tx: Tx) -> tuple[int, int, int]:
        inserted = tx.execute(f"{_FOLLOW} RETURNING name", name="a", seq=1)
        selected = tx.execute("SELECT name FROM followers WHERE tenant_id = :tenant_id")
        deleted = tx.execute("DELETE FROM followers WHERE tenant_id = :tenant_id")
        return inserted, selected, deleted

    assert await stores.tenants.write(tenant, use_case) == (1, 0, 1)


async def test_write_integration_of_text_with_nul_is_no_server_error(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    with suppress(InvalidInput):  # SQLite keeps it, PostgreSQL cannot.
        await stores.tenants.write(tenant, lambda tx: tx.execute(_FOLLOW, name="a\0b", seq=1))

    rows = await stores.tenants.read(tenant, lambda tx: tx.all(_FOLLOWERS))
    assert [row[0] for row in rows] in ([], ["a\0b"])


async def test_write_integration_refuses_a_coroutine_function(stores: Stores) -> None:
    tenant = await a_tenant(stores)

    async def use_case(tx: Tx) -> int:
        return tx.execute(_FOLLOW, name="a", seq=1)

    with pytest.raises(TypeError, match="coroutine"):
        _ = await stores.tenants.write(tenant, use_case)

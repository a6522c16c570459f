"""What meets itself: the same request twice at once, and a caller who left during its write."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.facts import light_a_lamp
from tests.fixtures.services import need
from tests.fixtures.stores import StoreClock, a_tenant, make_stores, until
from tidemill.core.errors import Conflict
from tidemill.core.ports import Once, StoreKind, Tx
from tidemill.infrastructure.database import DatabaseOptions, Stores, open_stores

pytestmark = pytest.mark.anyio

_TAKEN = "SELECT 1 FROM followers WHERE tenant_id = :tenant_id AND name = 'harbour'"
_TAKE = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, 'harbour', 0)"


async def test_once_integration_of_a_request_sent_twice_at_once_never_meets_itself(
    stores: Stores,
) -> None:
    """A retry that overtakes its first request gets its result, not the conflict with it."""
    tenant = await a_tenant(stores)
    once = Once(key="k", scope="me", fingerprint="f", result_type=str)

    def use_case(tx: Tx) -> str:
        if tx.one(_TAKEN):
            raise Conflict("The name is taken.")
        tx.execute(_TAKE)
        return "made"

    results = await asyncio.gather(
        *(stores.tenants.write(tenant, use_case, once=once) for _ in range(12)),
        return_exceptions=True,
    )

    assert results == ["made"] * 12


async def test_once_integration_of_a_request_that_failed_can_be_sent_again(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    once = Once(key="k", scope="me", fingerprint="f", result_type=str)

    def fails(_tx: Tx) -> str:
        raise Conflict("The name is taken.")

    with pytest.raises(Conflict):
        await stores.tenants.write(tenant, fails, once=once)

    assert await stores.tenants.write(tenant, lambda _tx: "made", once=once) == "made"


async def test_close_integration_waits_for_the_write_of_a_caller_who_left(
    tmp_path: Path,
) -> None:
    """A write whose caller is gone keeps its file: what it records is not forgotten."""
    began, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        began.set()
        go_on.wait(60)
        tx.execute(_TAKE)

    async with make_stores("sqlite", tmp_path, open_files_max=1) as stores:
        tenant, other = await a_tenant(stores), await a_tenant(stores)
        writing = asyncio.create_task(stores.tenants.write(tenant, slow))
        await until(began.is_set)
        writing.cancel()
        await asyncio.wait([writing])
        opening = asyncio.create_task(light_a_lamp(stores, other))
        await until(lambda: stores.tenants._queue)  # type: ignore[attr-defined]

        opened = {file.path.parent.name for file in stores.tenants.open_files()}  # type: ignore[attr-defined]
        go_on.set()
        await opening

        assert tenant in opened, "the file was closed under a write"
        assert await stores.tenants.read(tenant, lambda tx: tx.one(_TAKEN)) is not None


async def test_dirty_integration_names_what_a_crash_left_also_after_a_quiet_write(
    tmp_path: Path,
) -> None:
    """A write without facts before the first look does not hide what lies undelivered."""
    options = DatabaseOptions(data_dir=tmp_path / "data")
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        await light_a_lamp(stores, tenant)

    stores = await open_stores(options, StoreClock())
    await stores.tenants.write(tenant, lambda tx: tx.execute(_TAKE))
    dirty = await stores.wakeups.dirty()
    await stores.close()

    assert dirty == [(StoreKind.TENANT, tenant)]


async def test_write_integration_answers_although_a_listener_of_wakeups_fails(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    heard: list[str] = []

    def fails(_kind: StoreKind, _tenant: str) -> None:
        raise RuntimeError("a listener broke")

    stores.wakeups.on_dirty(fails)
    stores.wakeups.on_dirty(lambda _kind, dirty: heard.append(dirty))

    async with asyncio.timeout(60):
        await light_a_lamp(stores, tenant)

    assert tenant in heard


@pytest.mark.parametrize("times", [1, 3])
async def test_write_integration_cancelled_on_postgres_leaves_nothing_on_its_connection(
    tmp_path: Path, times: int
) -> None:
    """Also when the roll-back is cancelled: the next tenant gets no open transaction."""

    seconds = 30 + times

    def slow(tx: Tx) -> None:
        tx.execute(_TAKE)
        tx.one(f"SELECT pg_sleep({seconds}) IS NULL WHERE :tenant_id <> ''")

    async with make_stores("pool", tmp_path, pool_size_max=1) as stores:
        tenant, other = await a_tenant(stores), await a_tenant(stores)
        writing = asyncio.create_task(stores.tenants.write(tenant, slow))
        await _sleeping(seconds)
        for _ in range(times):
            writing.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([writing])

        await stores.tenants.write(other, lambda tx: tx.execute(_TAKE))

        assert await stores.tenants.read(tenant, lambda tx: tx.one(_TAKEN)) is None
        assert await stores.tenants.read(other, lambda tx: tx.one(_TAKEN)) is not None


async def _sleeping(seconds: int) -> None:
    """Return once a connection of the server sleeps for `seconds`."""
    statement = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE $1"
    connection = await asyncpg.connect(need("postgres"))
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval(statement, f"%pg_sleep({seconds})%"):  # noqa: ASYNC110 - the server sets no event here
                await asyncio.sleep(0.01)
    finally:
        await connection.close()

"""A full disk, a lock, a failed sync or a lost server is told, loses nothing, and heals."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from tests.fixtures.facts import light_a_lamp
from tests.fixtures.services import need
from tests.fixtures.stores import StoreClock, a_tenant, make_stores, store_options, until
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Tx
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database import Stores, open_stores

pytestmark = pytest.mark.anyio

_ADD = "INSERT INTO followers (tenant_id, name, seq) VALUES (:tenant_id, :name, 0)"
_PROBE = """
    INSERT INTO idempotency_keys (tenant_id, scope, key, fingerprint, result, created_at)
    VALUES (:tenant_id, 'test', :now, '', '', 0)
    ON CONFLICT (tenant_id, scope, key) DO NOTHING
"""
_NAMES = "SELECT name FROM followers WHERE tenant_id = :tenant_id ORDER BY name LIMIT 999"


async def _names(stores: Stores, tenant: TenantId) -> list[str]:
    return [row[0] for row in await stores.tenants.read(tenant, lambda tx: tx.all(_NAMES))]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    need("root")
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(directory)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"needs root: this machine mounts no tmpfs: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65_536):
            pass


async def _write_much(stores: Stores, tenant: TenantId) -> None:
    for number in range(100):
        name = f"full{number}" + "x" * 50_000
        await stores.tenants.write(tenant, lambda tx, n=name: tx.execute(_ADD, name=n))  # type: ignore[misc]


async def test_write_integration_on_a_full_disk_is_told_and_heals(small_disk: Path) -> None:
    async with make_stores("sqlite", small_disk, free_bytes_min=0) as stores:
        tenant = await a_tenant(stores)
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="before"))
        filler = small_disk / "filler"
        _fill(filler)

        with pytest.raises(StoreUnavailable) as refused:
            await _write_much(stores, tenant)
        told = await stores.health()
        readable = await _names(stores, tenant)
        filler.unlink()
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="zafter"))

        assert refused.value.reason == "the disk is full"
        assert "the disk is full" in told.values()
        assert "before" in readable
        assert set(await _names(stores, tenant)) >= {"before", "zafter"}
        assert set((await stores.health()).values()) == {None}


async def test_health_integration_names_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    async with make_stores("sqlite", tmp_path, free_bytes_min=2**62) as stores:
        assert await stores.health() == dict.fromkeys(
            ("control", "jobs", "tenant"), "the disk is full"
        )


async def test_write_integration_to_a_locked_file_is_told_and_heals(tmp_path: Path) -> None:
    async with make_stores("sqlite", tmp_path, busy_timeout_ms=50) as stores:
        path = tmp_path / "data" / "control.db"
        with capture_logs() as lines:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreUnavailable, match="locked"):
                    await stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))
                told = await stores.health()
                other.execute("ROLLBACK")

            await stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "2"))

        assert told["control"] == "it is locked by another process"
        assert (await stores.health())["control"] is None
        assert [
            (line["event"], line["file"], line.get("reason"))
            for line in lines
            if line["event"].startswith("store.")
        ] == [
            ("store.failed", str(path), "it is locked by another process"),
            ("store.recovered", str(path), None),
        ]


async def test_health_integration_heals_by_itself_after_a_tenants_file_was_locked(
    tmp_path: Path,
) -> None:
    async with make_stores("sqlite", tmp_path, busy_timeout_ms=50) as stores:
        tenant = await a_tenant(stores)
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="before"))
        path = tmp_path / "data" / "tenants" / tenant / "main.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="lost"))
            told = await stores.health()
            other.execute("ROLLBACK")

        assert told["tenant"] == "it is locked by another process"
        assert (await stores.health())["tenant"] is None


async def test_health_integration_names_the_locked_store_while_its_writes_wait(
    tmp_path: Path,
) -> None:
    """A write waits longer for a lock than whoever asks for the health does."""
    async with make_stores("sqlite", tmp_path, busy_timeout_ms=2_500) as stores:
        path = tmp_path / "data" / "jobs.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await stores.jobs.write(INSTALLATION, lambda tx: tx.execute(_PROBE))
            waiting = asyncio.create_task(
                stores.jobs.write(INSTALLATION, lambda tx: tx.execute(_PROBE))
            )
            health = asyncio.create_task(stores.health())
            await asyncio.wait({waiting, health}, return_when=asyncio.FIRST_COMPLETED)
            assert not waiting.done(), "the health was told before the lock gave way"
            other.execute("ROLLBACK")
        await waiting

        assert await health == {
            "control": None,
            "jobs": "it is locked by another process",
            "tenant": None,
        }
        assert set((await stores.health()).values()) == {None}


class _BreaksAtCommit:
    """A connection whose commit fails as SQLite's does when the disk cannot sync."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.broken = False

    def execute(self, sql: str, *parameters: Any) -> Any:
        assert not self.broken, "a connection was used after a failed sync"
        if sql == "COMMIT":
            self.broken = True
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @property
    def in_transaction(self) -> bool:
        return False if self.broken else self._connection.in_transaction


async def test_write_integration_after_a_failed_sync_opens_the_file_again(
    tmp_path: Path,
) -> None:
    """A failed fsync is never acknowledged, and its connection is never used again."""
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="before"))
        (opened,) = [
            file
            for file in stores.tenants.open_files()  # type: ignore[attr-defined]
            if file.path.parent.name == tenant
        ]
        opened._writer = _BreaksAtCommit(opened._writer)

        results = await asyncio.gather(
            *(
                stores.tenants.write(tenant, lambda tx, n=n: tx.execute(_ADD, name=f"lost{n}"))  # type: ignore[misc]
                for n in range(5)
            ),
            return_exceptions=True,
        )
        kept = {f"lost{n}" for n, result in enumerate(results) if result == 1}

        assert any(isinstance(result, StoreUnavailable) for result in results)
        assert isinstance(opened._writer, sqlite3.Connection | None)
        assert set(await _names(stores, tenant)) == {"before"} | kept
        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="after"))


async def test_write_integration_of_too_many_is_refused_not_queued_for_ever(
    tmp_path: Path,
) -> None:
    async with make_stores("sqlite", tmp_path, queue_length_max=10) as stores:
        results = await asyncio.gather(
            *(
                stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))
                for _ in range(200)
            ),
            return_exceptions=True,
        )

        refused = [result for result in results if isinstance(result, StoreUnavailable)]
        assert 0 < len(refused) < 200
        assert [r for r in results if r is not None and r not in refused] == []


async def test_write_integration_cancelled_by_its_caller_leaves_the_store_at_work(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    tasks = [asyncio.create_task(light_a_lamp(stores, tenant, str(n))) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await light_a_lamp(stores, tenant, "last")

    def subjects(tx: Tx) -> list[tuple[int, str]]:
        rows = tx.all("SELECT seq, subject FROM stream WHERE tenant_id = :tenant_id ORDER BY seq")
        return [(row[0], row[1]) for row in rows]

    found = await stores.tenants.read(tenant, subjects)
    assert [seq for seq, _ in found] == list(range(1, len(found) + 1))
    assert {subject for _, subject in found} >= {str(n) for n in range(1, 20, 2)} | {"last"}


async def test_write_integration_survives_connections_that_the_server_ended(
    tmp_path: Path,
) -> None:
    async with make_stores("schema", tmp_path) as stores:
        tenant = await a_tenant(stores)
        heard: list[str] = []
        stores.invalidations.on_change("lamp", lambda change: heard.append(change.key))
        await _end_connections(stores)

        await stores.tenants.write(tenant, lambda tx: tx.execute(_ADD, name="a"))
        await stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))

        assert await _names(stores, tenant) == ["a"]
        await until(lambda: heard == ["1"])


async def _end_connections(stores: Stores) -> None:
    def pids(tx: Tx) -> str:
        row = tx.one("SELECT current_schema()")
        assert row is not None
        return str(row[0])

    await stores.control.read(INSTALLATION, pids)
    own = [stores._signals._connection.get_server_pid()]  # type: ignore[attr-defined]
    for pool in stores._pools.values():  # type: ignore[attr-defined]
        own += [
            holder._con.get_server_pid()
            for holder in pool._pool._holders
            if holder._con is not None
        ]
    connection = await asyncpg.connect(need("postgres"))
    try:
        await connection.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", own)
    finally:
        await connection.close()


async def test_read_integration_ends_when_it_is_cancelled_as_its_connection_is_lost(
    tmp_path: Path,
) -> None:
    # The driver's own futures, which nobody awaits any more, tell the loop of their errors.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with make_stores("schema", tmp_path) as stores:
        admin = await asyncpg.connect(need("postgres"))
        try:
            outcomes = [await _cancelled_and_lost(stores, admin, turns) for turns in range(6)]
        finally:
            await admin.close()

    assert outcomes == ["cancelled"] * 6


async def _cancelled_and_lost(stores: Stores, admin: Any, turns: int) -> str:
    """Cancel a read `turns` of the loop after its connection is known to be lost."""
    served: list[int] = []

    def use_case(tx: Tx) -> str:
        row = tx.one("SELECT pg_backend_pid()")
        assert row is not None
        served.append(row[0])
        if len(served) == 1:
            tx.one("SELECT pg_sleep(30)")
        return "returned"

    read = asyncio.create_task(stores.control.read(INSTALLATION, use_case))
    await until(lambda: served)
    losing = asyncio.create_task(admin.execute("SELECT pg_terminate_backend($1, 5000)", served[0]))
    await asyncio.sleep(0)
    # The loop stands still, as in a process that gets no time, so that all arrives together.
    time.sleep(0.02)  # noqa: ASYNC251 - on purpose
    for _ in range(turns):
        await asyncio.sleep(0)
    read.cancel()
    await losing
    try:
        return await read
    except asyncio.CancelledError:
        return "cancelled"


async def test_write_integration_runs_again_after_a_deadlock(tmp_path: Path) -> None:
    async with make_stores("schema", tmp_path) as stores:
        tenant = await a_tenant(stores)
        for name in "ab":
            await stores.tenants.write(tenant, lambda tx, n=name: tx.execute(_ADD, name=n))  # type: ignore[misc]
        touch = "UPDATE followers SET seq = seq + 1 WHERE tenant_id = :tenant_id AND name = :name"
        runs: list[str] = []
        locked: set[str] = set()

        def use_case(order: str) -> Any:
            def run(tx: Tx) -> None:
                runs.append(order)
                tx.execute(touch, name=order[0])
                locked.add(order)
                while len(locked) < 2:  # The other one has its first lock, too.
                    tx.one("SELECT pg_sleep(0.01) WHERE :tenant_id <> ''")
                tx.execute(touch, name=order[1])

            return run

        await asyncio.gather(
            stores.tenants.write(tenant, use_case("ab")),
            stores.tenants.write(tenant, use_case("ba")),
        )

        def sums(tx: Tx) -> list[int]:
            rows = tx.all("SELECT seq FROM followers WHERE tenant_id = :tenant_id ORDER BY name")
            return [row[0] for row in rows]

        assert await stores.tenants.read(tenant, sums) == [2, 2]
        assert len(runs) > 2, "one of them must have met the deadlock"


async def test_write_integration_that_swallows_a_statements_error_does_not_commit(
    tmp_path: Path,
) -> None:
    async with make_stores("schema", tmp_path) as stores:
        tenant = await a_tenant(stores)

        def use_case(tx: Tx) -> None:
            tx.execute(_ADD, name="a")
            with suppress(asyncpg.PostgresError):
                tx.execute("SELECT nonsense(:tenant_id)")

        with pytest.raises(asyncpg.UndefinedFunctionError):
            await stores.tenants.write(tenant, use_case)

        assert await _names(stores, tenant) == []


async def test_open_stores_integration_names_a_server_that_is_away(tmp_path: Path) -> None:
    async with store_options("schema", tmp_path) as options:
        away = msgspec.structs.replace(options, url="postgresql://postgres@127.0.0.1:1/nowhere")
        with pytest.raises(StoreUnavailable):
            await open_stores(away, StoreClock())

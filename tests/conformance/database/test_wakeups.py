"""Who has something undelivered is known after a commit, and after a crash."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fixtures.facts import deliver, light_a_lamp
from tests.fixtures.stores import StoreClock, a_tenant, make_stores, store_options, until
from tidemill.core.actor import system
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind, Tx
from tidemill.infrastructure.database import DatabaseOptions, Stores, open_stores

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[3]


async def test_on_dirty_integration_hears_of_commits_with_facts_or_audit_lines(
    stores: Stores,
) -> None:
    tenant = await a_tenant(stores)
    heard: list[tuple[StoreKind, TenantId]] = []
    stores.wakeups.on_dirty(lambda kind, who: heard.append((kind, who)))

    await light_a_lamp(stores, tenant)
    await stores.control.write(
        tenant, lambda tx: tx.audit("a.b.c", by=system("t", tenant), resource="x:1")
    )
    await stores.jobs.write(tenant, lambda tx: tx.one("SELECT 1"))

    assert heard == [(StoreKind.TENANT, tenant), (StoreKind.CONTROL, tenant)]


async def test_dirty_integration_forgets_a_tenant_that_was_delivered(
    stores: Stores, clock: StoreClock
) -> None:
    one, two = await a_tenant(stores), await a_tenant(stores)
    await light_a_lamp(stores, one)
    await light_a_lamp(stores, two)
    clock.advance(60)  # PostgreSQL keeps a row until its transactions must have ended.

    await deliver(stores, one)

    assert await stores.wakeups.dirty() == [(StoreKind.TENANT, two)]


async def test_dirty_integration_names_undelivered_rows_of_shared_stores(stores: Stores) -> None:
    tenant = TenantId("t-1")

    def use_case(tx: Tx) -> None:
        tx.audit("a.b.c", by=system("t", tenant), resource="x:1")

    await stores.control.write(tenant, use_case)
    await stores.jobs.write(tenant, use_case)

    found = await stores.wakeups.dirty()
    assert found == [(StoreKind.CONTROL, tenant), (StoreKind.JOBS, tenant)]


async def test_wakeups_integration_reach_another_process_on_postgres(tmp_path: Path) -> None:
    # Who asked for them by itself would do so after a minute.
    async with store_options("schema", tmp_path, poll_seconds=60.0) as options:
        one = await open_stores(options, StoreClock())
        two = await open_stores(options, StoreClock())
        try:
            tenant = await a_tenant(one)
            heard: list[tuple[StoreKind, TenantId]] = []
            two.wakeups.on_dirty(lambda kind, who: heard.append((kind, who)))

            await light_a_lamp(one, tenant)

            await until(lambda: (StoreKind.TENANT, tenant) in heard, seconds=30)
        finally:
            await one.close()
            await two.close()


async def _many_tenants(directory: Path, count: int) -> list[TenantId]:
    """Register `count` tenants; only the first has a file."""
    stores = await open_stores(DatabaseOptions(data_dir=directory), StoreClock())
    first = await a_tenant(stores, "tenant-0000")
    tenants = [TenantId(f"tenant-{number:04}") for number in range(count)]

    def register(tx: Tx) -> None:
        tx.execute_many(
            "INSERT INTO tenants (id, name, slug, state, placement_kind, schema_version, "
            "created_at, updated_at) SELECT :id, :id, :id, 'active', 'file', schema_version, "
            ":now, :now FROM tenants WHERE id = :tenant_id",
            [{"id": tenant} for tenant in tenants[1:]],
        )

    await stores.control.write(first, register)
    await stores.close()
    return tenants


def _give_files(directory: Path, tenants: Sequence[TenantId]) -> None:
    """Copy the fresh file of the first tenant for others."""
    for tenant in tenants:
        shutil.copytree(directory / "tenants" / "tenant-0000", directory / "tenants" / tenant)


async def test_wakeups_integration_after_a_kill_open_exactly_the_tenants_that_wrote(
    tmp_path: Path,
) -> None:
    """kill -9 after 50 of 2,000 tenants wrote: those 50 are opened, each fact comes once."""
    tenants = await _many_tenants(tmp_path / "data", 2_000)
    delivered, written = tenants[100:170], tenants[1_000:1_050]
    _give_files(tmp_path / "data", [*delivered, *written])
    command = [sys.executable, "-m", "tests.conformance.database.crash_writer"]
    arguments = [str(tmp_path / "data"), ",".join(delivered), ",".join(written)]
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'src'}"}
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [*command, *arguments], cwd=_ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        process.kill()
    assert line == "written\n"

    stores = await open_stores(DatabaseOptions(data_dir=tmp_path / "data"), StoreClock())
    try:
        dirty = await stores.wakeups.dirty()
        facts = {tenant: await deliver(stores, tenant) for _kind, tenant in dirty}
        opened = {file.path.parent.name for file in stores.tenants.open_files()}  # type: ignore[attr-defined]
        again = {tenant: await deliver(stores, tenant) for tenant in written}
    finally:
        await stores.close()

    # A delivered tenant whose file was still open cannot be told from one that was not.
    open_when_killed = set(delivered[-14:]) & {tenant for _kind, tenant in dirty}
    assert {tenant for _kind, tenant in dirty} - open_when_killed == set(written)
    assert {tenant: facts[tenant] for tenant in written} == {tenant: ["1"] for tenant in written}
    assert all(facts[tenant] == [] for tenant in open_when_killed)
    assert opened - open_when_killed - {INSTALLATION} == set(written)
    assert all(subjects == [] for subjects in again.values())
    made = {path.name for path in (tmp_path / "data" / "tenants").iterdir()}
    assert made == {*delivered, *written, INSTALLATION, tenants[0]}, "no other was opened"


async def test_wakeups_integration_after_a_clean_close_nothing_is_dirty(tmp_path: Path) -> None:
    options = DatabaseOptions(data_dir=tmp_path / "data")
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        await light_a_lamp(stores, tenant)
        await deliver(stores, tenant)

    stores = await open_stores(options, StoreClock())
    dirty = await stores.wakeups.dirty()
    await stores.close()

    assert dirty == []


async def test_wakeups_integration_after_a_clean_close_undelivered_facts_are_known(
    tmp_path: Path,
) -> None:
    options = DatabaseOptions(data_dir=tmp_path / "data")
    async with make_stores("sqlite", tmp_path) as stores:
        tenant = await a_tenant(stores)
        await light_a_lamp(stores, tenant)

    stores = await open_stores(options, StoreClock())
    dirty = await stores.wakeups.dirty()
    await stores.close()

    assert dirty == [(StoreKind.TENANT, tenant)]


@pytest.mark.parametrize(
    "count",
    [
        300,
        pytest.param(
            2_000, marks=pytest.mark.full(reason="2,000 files of 250 KB take 15 s on a busy disk")
        ),
    ],
)
async def test_tenants_integration_stay_within_files_threads_and_memory(
    tmp_path: Path, count: int
) -> None:
    """U10: 64 files, 4 and 4 threads for all; memory does not grow with tenants."""
    tenants = await _many_tenants(tmp_path / "data", count)
    _give_files(tmp_path / "data", tenants[1:])
    stores = await open_stores(DatabaseOptions(data_dir=tmp_path / "data"), StoreClock())
    threads, descriptors, memory = _used()
    most_open = most_descriptors = 0
    try:
        for start in range(0, count, 100):
            some = tenants[start : start + 100]
            await asyncio.gather(*(light_a_lamp(stores, tenant) for tenant in some))
            most_open = max(most_open, len(stores.tenants.open_files()))  # type: ignore[attr-defined]
            most_descriptors = max(most_descriptors, _used()[1] - descriptors)
        threads_more, _, memory_more = (
            now - before
            for now, before in zip(_used(), (threads, descriptors, memory), strict=True)
        )
    finally:
        await stores.close()

    assert most_open <= 64
    assert most_descriptors <= 64 * 8
    assert threads_more == 0
    assert memory_more <= 60_000, f"{memory_more} KiB more"


def _used() -> tuple[int, int, int]:
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a virtual directory
    # The pool of asyncio may have grown by what closes files.
    own = [one for one in threading.enumerate() if one.name.startswith("tidemill-")]
    return (
        len(own),
        descriptors,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )

"""Measures the use case on SQLite and PostgreSQL; `python -m benchmarks.database.run`.

All ways are open at once and take turns of half a second, so that whatever else the machine does
meets them alike. Writes `benchmarks/results/database.json` and `.md`. PostgreSQL is taken from
`TIDEMILL_TEST_POSTGRES_URL`, else from its standard port. psycopg is needed in addition:
`pip install --group bench`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from benchmarks.database.psycopg_threads import PsycopgThreads
from benchmarks.database.use_case import TABLES, add_projects, create_item, read_item
from tidemill.core.ids import TenantId
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.runtime.clock import SystemClock

SECONDS = float(os.environ.get("BENCH_SECONDS", "0.5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "12"))
URL = os.environ.get("TIDEMILL_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RESULTS = Path(__file__).parent.parent / "results"
PREFIX = "tidemill_bench_"
POOL = 10
TENANTS = [TenantId(f"bench-{number}") for number in range(8)]
Call = Callable[[int], Awaitable[Any]]


async def drive(call: Call, concurrency: int) -> dict[str, float]:
    """Keep `concurrency` calls under way; return the rate, latencies and the CPU of a call."""
    latencies: list[float] = []
    turns = iter(range(10**9))
    end = time.perf_counter() + SECONDS

    async def client() -> None:
        while (began := time.perf_counter()) < end:
            await call(next(turns))
            latencies.append(time.perf_counter() - began)

    cpu, began = _cpu(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(concurrency)))
    seconds, used = time.perf_counter() - began, _cpu() - cpu
    latencies.sort()
    return {
        "per_second": len(latencies) / seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1e3,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
        "client_cpu_us": used / len(latencies) * 1e6,
    }


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextlib.asynccontextmanager
async def on_sqlite(*, group_commit: bool) -> Any:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        options = DatabaseOptions(data_dir=Path(directory), group_commit=group_commit)
        stores = await open_stores(options, SystemClock())
        for tenant in TENANTS:
            await stores.tenant_stores.provision(tenant)
            path = Path(directory) / "tenants" / tenant / "main.db"
            with contextlib.closing(sqlite3.connect(path)) as file:
                for table in TABLES:
                    file.execute(table)
            await stores.tenants.write(tenant, add_projects)
        try:
            yield stores.tenants
        finally:
            await stores.close()


@contextlib.asynccontextmanager
async def on_postgres(placement: str) -> Any:
    prefix = f"{PREFIX}{placement}_"
    options = DatabaseOptions(
        data_dir=Path(),
        url=URL,
        schema_prefix=prefix,
        placement=placement,
        pool_size_min=POOL,
        pool_size_max=POOL,
    )
    await _drop(prefix)
    stores = await open_stores(options, SystemClock())
    try:
        schemas = {}
        for tenant in TENANTS:
            await stores.tenant_stores.provision(tenant)
            schemas[tenant] = (await stores.registry.look_up(tenant)).schema
        connection = await asyncpg.connect(URL)
        for schema in set(schemas.values()):
            await connection.execute(f'SET search_path TO "{schema}"')
            for table in TABLES:
                await connection.execute(table)
            if placement == "pool":
                await connection.execute(
                    f'GRANT ALL ON ALL TABLES IN SCHEMA "{schema}" TO {prefix}tidemill_pool'
                )
        await connection.close()
        for tenant in TENANTS:
            await stores.tenants.write(tenant, add_projects)
        yield stores.tenants, schemas, stores
    finally:
        await stores.close()
        await _drop(prefix)


async def _drop(prefix: str) -> None:
    connection = await asyncpg.connect(URL)
    rows = await connection.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE $1", f"{prefix}%"
    )
    for row in rows:
        await connection.execute(f'DROP SCHEMA "{row[0]}" CASCADE')
    role = f"{prefix}tidemill_pool"
    if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await connection.close()


def cases(database: Any, item: str) -> dict[str, tuple[Call, int]]:
    """Return what is measured, and with how many clients."""
    one = TENANTS[0]

    def write(turn: int) -> Awaitable[Any]:
        return database.write(one, lambda tx: create_item(tx, turn))  # type: ignore[no-any-return]

    def spread(turn: int) -> Awaitable[Any]:
        tenant = TENANTS[turn % len(TENANTS)]
        return database.write(tenant, lambda tx: create_item(tx, turn))  # type: ignore[no-any-return]

    def read(_turn: int) -> Awaitable[Any]:
        return database.read(one, lambda tx: read_item(tx, item))  # type: ignore[no-any-return]

    found: dict[str, tuple[Call, int]] = {
        "write, 1 client": (write, 1),
        "write, 32 clients, one tenant": (write, 32),
        "write, 32 clients, eight tenants": (spread, 32),
    }
    if hasattr(database, "read"):
        found["read, 32 clients"] = (read, 32)
    return found


async def contest() -> dict[str, dict[str, dict[str, float]]]:
    """Measure every way in turns; return medians by way and case."""
    async with contextlib.AsyncExitStack() as stack:
        ways: dict[str, Any] = {
            "SQLite, group commit": await stack.enter_async_context(on_sqlite(group_commit=True)),
            "SQLite, a commit each": await stack.enter_async_context(on_sqlite(group_commit=False)),
        }
        schema, schemas, hooks = await stack.enter_async_context(on_postgres("schema"))
        pool, _, _ = await stack.enter_async_context(on_postgres("pool"))
        threads = PsycopgThreads(URL, schemas, hooks, POOL)
        stack.callback(threads.close)
        ways["PostgreSQL, asyncpg + greenlet"] = schema
        ways["PostgreSQL, psycopg in threads"] = threads
        ways["PostgreSQL, asyncpg + greenlet, shared schema"] = pool
        turns: dict[tuple[str, str], list[dict[str, float]]] = {}
        for number in range(ROUNDS + 1):
            for way, database in ways.items():
                item = await database.write(TENANTS[0], lambda tx: create_item(tx, 0))
                for case, (call, clients) in cases(database, item).items():
                    figures = await drive(call, clients)
                    if number:  # The first turn warms up.
                        turns.setdefault((way, case), []).append(figures)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (way, case), results in turns.items():
        found.setdefault(way, {})[case] = {
            figure: statistics.median(result[figure] for result in results) for figure in results[0]
        }
    return found


def machine() -> dict[str, str]:
    model = "unknown"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": f"{os.cpu_count()} cores of {model}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "asyncpg": asyncpg.__version__,
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "sync_ms": f"{_sync_ms():.2f}",
    }


def _sync_ms() -> float:
    """Return what one fsync of 4 KiB costs, by which commits must be judged."""
    with tempfile.NamedTemporaryFile(dir=os.environ.get("BENCH_DIR")) as file:
        began = time.perf_counter()
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - began) / 50 * 1e3


def as_markdown(report: dict[str, Any]) -> str:
    method = (
        "Creating a work item: five statements, one fact numbered on the tenant's stream, one\n"
        "audit line, one durable commit. Every way runs the same function behind the same port.\n"
        f"{report['rounds']} turns of {report['seconds']:g} s each, alternating, medians.\n"
        "`fsync` on, `synchronous=FULL`, `synchronous_commit=on`; "
        f"{report['pool']} connections or threads on PostgreSQL; uvloop.\n"
        "Client CPU is of the whole client process for a call; the server's own is not in it,\n"
        "and both share the machine's cores."
    )
    facts = ", ".join(f"{key}: {value}" for key, value in report["machine"].items())
    lines = ["# One use case on both databases", "", method, "", f"{facts}.", ""]
    lines += [
        "| way | case | per second | p50 ms | p99 ms | client CPU µs |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {way} | {case} | {f['per_second']:,.0f} | {f['p50_ms']:.2f} | {f['p99_ms']:.2f} "
        f"| {f['client_cpu_us']:,.0f} |"
        for way, cases in report["ways"].items()
        for case, f in cases.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    before = machine()
    uvloop.install()
    ways = asyncio.run(contest())
    report = {
        "machine": before,
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "pool": POOL,
        "ways": ways,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "database.json").write_text(json.dumps(report, indent=2) + "\n")
    (RESULTS / "database.md").write_text(as_markdown(report))
    sys.stdout.write(as_markdown(report))


if __name__ == "__main__":
    main()

"""The library in one process: a program that enqueues, its dispatcher and its worker.

    python -m benchmarks.queues.library sqlite|postgres [--jobs 20000] [--rounds 3] [--uvloop]

Each figure comes with the CPU of this process, and of the PostgreSQL processes that serve it, for
each job: those are steadier than rates where a machine does other work, too. SQLite's file lies in
DATA_DIR, else in the directory of temporary files; `--uvloop` is the loop of `tidemill worker`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import structlog
import uvloop

import tidemill
from benchmarks.queues.engine import POSTGRES, drop
from tidemill.core.config import Config
from tidemill.core.ids import TenantId
from tidemill.jobs.code.functions.registry import REGISTRY
from tidemill.jobs.code.functions.running import Functions
from tidemill.runtime.collecting import spare_collections
from tidemill.runtime.queue import QueueOptions
from tidemill.runtime.queue.working import queue_worker

Figures = dict[str, float]
callers_max = 100
_OVER = """
    SELECT EXISTS (SELECT 1 FROM jobs WHERE worker_id IS NOT NULL),
        EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND tag = 'default')
"""
_ENDED = "SELECT COUNT(*) FROM job_history WHERE tenant_id = :tenant_id AND state = 'succeeded'"
_began: dict[int, float] = {}


@tidemill.job(name="noop")
async def noop() -> None:
    """Do nothing."""


@tidemill.job(name="note")
async def note(number: int) -> None:
    """Say when it began."""
    _began[number] = time.perf_counter()


def servers() -> list[int]:
    """Return the PostgreSQL processes that serve this one."""
    ports = {one.laddr.port for one in psutil.Process().net_connections("tcp")}
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        title = " ".join(process.info["cmdline"] or ())
        port = title.partition("127.0.0.1(")[2].partition(")")[0]
        if process.info["name"] == "postgres" and port.isdigit() and int(port) in ports:
            found.append(process.pid)
    return found


def server_seconds() -> float:
    """Return the CPU of those, by the scheduler's own count, which is finer than that of stat."""
    spent = 0
    for pid in servers():
        spent += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return spent / 1e9


@contextmanager
def measured(figures: Figures, name: str, count: int) -> Iterator[None]:
    """Note rate and CPU of what the block does `count` times."""
    server, own, began = server_seconds(), time.process_time(), time.perf_counter()
    yield
    seconds, spent = time.perf_counter() - began, time.process_time() - own
    figures[f"{name}_per_s"] = count / seconds
    figures[f"{name}_us"] = spent / count * 1e6
    figures[f"{name}_server_us"] = (server_seconds() - server) / count * 1e6


@asynccontextmanager
async def working(app: tidemill.Tidemill, slots: int) -> AsyncIterator[Any]:
    """Run dispatcher and worker while the block lasts; yields the worker's open queue."""
    functions = Functions(REGISTRY.all(), threads_max=8)
    options = QueueOptions(slots=slots)
    async with queue_worker(app.place, functions, options, Config()) as worker:
        yield worker


async def over(app: tidemill.Tidemill) -> None:
    """Return when the books have no job left that could run."""
    queue = await app.open()
    tenant = TenantId(app.tenant)
    while any(await queue.store.jobs.read(tenant, lambda tx: tx.one(_OVER)) or ()):  # noqa: ASYNC110 - the books are asked
        await asyncio.sleep(0.01)


async def clear(app: tidemill.Tidemill) -> None:
    """Begin with empty tables."""
    queue = await app.open()

    def use_case(tx: Any) -> None:
        for table in ("jobs", "job_history"):
            tx.execute(f"DELETE FROM {table} WHERE tenant_id = :tenant_id")

    await queue.store.jobs.write(TenantId(app.tenant), use_case)


async def enqueue(figures: Figures, options: argparse.Namespace) -> None:
    """Measure one caller, a hundred, and the call for many."""
    await noop.enqueue()
    with measured(figures, "one", options.ones):
        for _ in range(options.ones):
            await noop.enqueue()

    async def caller(number: int) -> None:
        for _ in range(number):
            await noop.enqueue()

    with measured(figures, "callers", options.jobs):
        share = options.jobs // callers_max
        await asyncio.gather(*(caller(share) for _ in range(callers_max)))
    with measured(figures, "bulk", options.jobs):
        await noop.enqueue_many([()] * options.jobs)


async def drain(app: tidemill.Tidemill, figures: Figures, options: argparse.Namespace) -> None:
    """Measure from the first claim to the last stored end of what is queued."""
    count = options.jobs
    await clear(app)
    await noop.enqueue_many([()] * count)
    # Measured to the last end, while the worker's connections are still there to be asked.
    async with AsyncExitStack() as stack:
        with measured(figures, "drain", count):
            await stack.enter_async_context(working(app, options.slots))
            await over(app)
    queue = await app.open()
    row = await queue.store.jobs.read(TenantId(app.tenant), lambda tx: tx.one(_ENDED))
    if row is None or row[0] != count:
        raise RuntimeError(f"{count} jobs were enqueued, and {row} have ended well.")


async def pick_up(app: tidemill.Tidemill, figures: Figures, options: argparse.Namespace) -> None:
    """Measure from the call of enqueue to the first line of the function, one job at a time."""
    waits, durable = [], []
    async with working(app, options.slots):
        await asyncio.sleep(0.3)
        for number in range(options.picks):
            began = time.perf_counter()
            await note.enqueue(number)
            durable.append((time.perf_counter() - began) * 1e3)
            while number not in _began:  # noqa: ASYNC110 - a poll of half a millisecond
                await asyncio.sleep(0.0005)
            waits.append((_began.pop(number) - began) * 1e3)
            await asyncio.sleep(0.003)
    for name, found in (("pick_up", sorted(waits)), ("durable", sorted(durable))):
        figures[f"{name}_ms_p50"] = found[len(found) // 2]
        figures[f"{name}_ms_p99"] = found[int(len(found) * 0.99) - 1]


async def measure(url: str, options: argparse.Namespace) -> Figures:
    """Return the figures of one round."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("DATA_DIR")) as name:
        prefix = f"library{os.getpid()}_"
        database = url or f"sqlite:///{name}/queue.db"
        app = tidemill.Tidemill(database, schema_prefix=prefix, state=f"{name}/state")
        tidemill.Tidemill._own = app  # noqa: SLF001 - each round has a queue of its own
        try:
            wanted = options.only.split(",")
            if "enqueue" in wanted:
                await enqueue(figures, options)
            if "drain" in wanted:
                await drain(app, figures, options)
            if "picks" in wanted:
                await pick_up(app, figures, options)
        finally:
            await app.close()
            if url:
                await drop(prefix)
    return figures


def main() -> None:
    """Print the medians, and what each round gave of the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", choices=("sqlite", "postgres"))
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--ones", type=int, default=500)
    parser.add_argument("--picks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=Config().worker.functions_max)
    parser.add_argument("--only", default="enqueue,drain,picks")
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    spare_collections()  # As `tidemill worker` does.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    run: Callable[[Coroutine[Any, Any, Figures]], Figures] = (
        uvloop.run if options.uvloop else asyncio.run
    )
    url = POSTGRES if options.store == "postgres" else ""
    rounds = [run(measure(url, options)) for _ in range(options.rounds)]
    medians = {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}
    json.dump({"store": options.store, "load": os.getloadavg()[0], **medians}, sys.stdout)
    print()


if __name__ == "__main__":
    main()

"""The queue alone, in one process: stores, dispatcher, and a worker that does nothing.

    python -m benchmarks.queues.engine sqlite|postgres [--jobs 10000] [--rounds 3] [--profile]

The worker is a bare session over the in-process protocol: it answers each job with an outcome that
has a result. So the figures are those of enqueue, claim, outcome and history, without what a
language or a function costs.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from msgspec import structs
from uuid_utils import uuid7

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.infrastructure.database import DatabaseOptions, open_stores
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.dispatching.dispatcher.assignments import Assignments
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.tending import Tending
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import (
    Assign,
    Hello,
    Isolation,
    Outcome,
    Outcomes,
    RegisteredFunction,
    Verdict,
    protocol_version,
)
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import RetryPolicy
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.records.logs.files import LogFiles
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter
from tidemill.runtime.clock import SystemClock

POSTGRES = os.environ.get("TIDEMILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
FUNCTION = "bench.tasks:noop"


# Both have an index, so that to ask costs nothing however much is kept.
_LEFT = """
    SELECT EXISTS (SELECT 1 FROM jobs WHERE worker_id IS NOT NULL),
        EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND tag = 'default')
"""


class Quiet:
    """Live updates that nobody follows."""

    def is_followed(self, _tenant_id: TenantId) -> bool:
        """Return that nobody looks."""
        return False

    def publish(self, *_: object) -> None:
        """Let it go."""


class Engine:
    """One process of the library's shape."""

    def __init__(self, stores: Any, directory: Path, slots: int) -> None:
        clock = SystemClock()
        self.stores = stores
        self.slots = slots
        self.signals = Signals(Quiet(), in_order=stores.dialect == "sqlite")
        scripts = ScriptService(stores.tenants, bytes_max=64 * 1024)
        self.jobs = JobService(
            stores.jobs,
            clock,
            QueueLimits(),
            scripts=scripts,
            workers=WorkerService(stores.jobs, clock, lease_seconds=30),
            signals=self.signals,
            links=lambda: None,
        )
        options = DispatcherOptions(directory=None, api_url="", holder=str(os.getpid()))
        options = structs.replace(options, dispatched_max=max(options.dispatched_max, slots))
        files = LogFiles(directory / "logs", bytes_max=1 << 20)
        arrivals = LogArrivals()
        dispatching = Dispatching(stores.jobs, RetryPolicy(), lambda: 0.5, signals=self.signals)
        self.dispatcher = Dispatcher(
            options,
            Peers(
                dispatching=dispatching,
                assignments=Assignments(options, scripts, lambda: None),
                signals=self.signals,
                logs=LogWriter(files, Quiet(), arrivals),
                arrivals=arrivals,
                tending=Tending(options, dispatching, self.signals, files, clock),
                clock=clock,
            ),
        )
        self.actor = an_actor()
        self.done = 0
        self.began: dict[str, float] = {}
        self.news = asyncio.Event()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run dispatcher and worker while the block lasts."""
        await self.dispatcher.start()
        connection = self.dispatcher.listener.connect()
        worker = asyncio.create_task(self._work(connection))
        try:
            yield
        finally:
            await self.dispatcher.stop()
            worker.cancel()

    async def _work(self, connection: WorkerConnection) -> None:
        await connection.send(
            Hello(
                version=protocol_version,
                worker_id="bench",
                secret=self.dispatcher.listener.secret,
                host="here",
                slots=self.slots,
                tags=("default",),
                isolations=(Isolation.FUNCTION,),
                functions=(RegisteredFunction(name=FUNCTION, schema="{}"),),
            )
        )
        await connection.receive()
        while True:
            for message in await connection.receive_batch(64):
                if type(message) is Assign:
                    ended = tuple(self._run(job) for job in message.jobs)
                    connection.send_soon(Outcomes(jobs=ended))

    def _run(self, job: Any) -> Outcome:
        if job.job_id in self.began:
            self.began[job.job_id] = time.perf_counter() - self.began[job.job_id]
        now = time.time_ns() // 1000
        return Outcome(
            job_id=job.job_id,
            epoch=job.epoch,
            verdict=Verdict.SUCCEEDED,
            started_at=now,
            finished_at=now,
            result=b"null",
            isolation=Isolation.FUNCTION,
        )

    async def over(self) -> bool:
        """Return whether every job that this worker takes has ended by the books."""
        left = await self.stores.jobs.read(INSTALLATION, lambda tx: tx.one(_LEFT))
        return not left[0] and not left[1]

    async def clear(self) -> None:
        """Begin with empty tables."""

        def use_case(tx: Any) -> None:
            tx.execute("DELETE FROM jobs")
            tx.execute("DELETE FROM job_history")

        await self.stores.jobs.write(INSTALLATION, use_case)


def an_actor() -> Actor:
    """Return a service of a tenant, whose enqueues are not audited one by one."""
    return Actor(
        kind=ActorKind.SYSTEM,
        id="service:bench",
        tenant_id=TenantId(str(uuid7())),
        user_id=UserId(str(uuid7())),
        role=Role.MEMBER,
        origin=Origin(),
    )


def a_request() -> JobRequest:
    """Return a job that calls a function without arguments."""
    return JobRequest(function=FUNCTION)


def cpu() -> tuple[float, float]:
    """Return CPU seconds of this process, and of the PostgreSQL processes that serve it."""
    ports = {one.laddr.port for one in psutil.Process().connections("tcp")}
    server = 0.0
    for process in psutil.process_iter(["name", "cmdline", "cpu_times"]):
        title = " ".join(process.info["cmdline"] or ())
        port = title.partition("127.0.0.1(")[2].partition(")")[0]
        if process.info["name"] == "postgres" and port.isdigit() and int(port) in ports:
            server += process.info["cpu_times"].user + process.info["cpu_times"].system
    return time.process_time(), server


async def enqueue(engine: Engine, count: int, callers: int) -> float:
    """Enqueue `count` jobs by `callers` callers, each durable before its next; return the rate."""

    async def caller(number: int) -> None:
        for _ in range(number):
            await engine.jobs.create(a_request(), actor=engine.actor)

    started = time.perf_counter()
    await asyncio.gather(*(caller(count // callers) for _ in range(callers)))
    return count / (time.perf_counter() - started)


async def fill(engine: Engine, count: int) -> None:
    """Enqueue jobs that no worker of this run takes."""
    request = structs.replace(a_request(), tag="elsewhere")
    for _ in range(count // 500):
        await asyncio.gather(*(engine.jobs.create(request, actor=engine.actor) for _ in range(500)))


async def fill_history(engine: Engine, count: int) -> None:
    """Put finished jobs in the history."""

    def use_case(tx: Any) -> None:
        tx.execute(_FINISHED, count=count)

    if count:
        await engine.stores.jobs.write(engine.actor.tenant_id, use_case)


_FINISHED = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO job_history (tenant_id, day, id, spec_id, state, due_at, created_at, attempts,
        rescues, epoch, finished_at, peak_memory_bytes, cpu_microseconds, args)
    SELECT :tenant_id, CAST(:now AS BIGINT) / 86400000000,
        'finished-' || CAST(n AS TEXT), 1, 'succeeded', :now, :now, 1, 0, 1, :now, 0, 0, '{}'
    FROM numbers
"""


async def bulk(engine: Engine, count: int) -> float:
    """Enqueue `count` jobs by the call for many; return the rate."""
    if not hasattr(engine.jobs, "create_many"):
        return await enqueue(engine, count, 500)
    started = time.perf_counter()
    await engine.jobs.create_many([a_request()] * count, actor=engine.actor)
    return count / (time.perf_counter() - started)


async def run(engine: Engine, count: int) -> dict[str, float]:
    """Run what is queued to its last stored end."""
    before = cpu()
    started = time.perf_counter()
    async with engine.working():
        while not await engine.over():  # noqa: ASYNC110 - the books are asked
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - started
        after = cpu()
    return {
        "jobs_per_s": count / seconds,
        "cpu_us_own": (after[0] - before[0]) / count * 1e6,
        "cpu_us_postgres": (after[1] - before[1]) / count * 1e6,
    }


async def pick_up(engine: Engine, count: int) -> Sequence[float]:
    """Return the seconds from the call of enqueue to the start of each job."""
    waits = []
    async with engine.working():
        await asyncio.sleep(0.3)
        for _ in range(count):
            started = time.perf_counter()
            job = await engine.jobs.create(a_request(), actor=engine.actor)
            engine.began[job.id] = started
            while engine.began[job.id] >= started:  # noqa: ASYNC110 - a poll of half a millisecond
                await asyncio.sleep(0.0005)
            waits.append(engine.began.pop(job.id))
            await asyncio.sleep(0.003)
    return waits


@asynccontextmanager
async def opened(kind: str, suffix: str = "") -> AsyncIterator[tuple[Any, Path]]:
    """Open stores of their own, and remove them."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("DATA_DIR")) as name:
        prefix = f"bench{os.getpid()}{suffix}_"
        url = POSTGRES if kind == "postgres" else None
        options = DatabaseOptions(data_dir=Path(name), url=url, schema_prefix=prefix)
        stores = await open_stores(options, SystemClock())
        try:
            yield stores, Path(name)
        finally:
            await stores.close()
            if url is not None:
                await drop(prefix)


async def drop(prefix: str) -> None:
    """Remove the schemas of this run."""
    import asyncpg

    connection = await asyncpg.connect(POSTGRES)
    for (name,) in await connection.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE $1", prefix.replace("_", r"\_") + "%"
    ):
        await connection.execute(f'DROP SCHEMA "{name}" CASCADE')
    await connection.close()


async def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the medians of all rounds."""
    rounds: list[dict[str, float]] = []
    waits: list[float] = []
    async with opened(kind) as (stores, directory):
        for _ in range(options.rounds):
            engine = Engine(stores, directory, options.slots)
            await engine.clear()
            figures = {"one_per_s": await enqueue(engine, options.ones, 1)}
            figures["hundred_callers_per_s"] = await enqueue(engine, options.jobs, 100)
            await engine.clear()
            await fill(engine, options.backlog)
            await fill_history(engine, options.finished)
            figures["bulk_per_s"] = await bulk(engine, options.jobs)
            profile = cProfile.Profile() if options.profile else None
            if profile:
                profile.enable()
            figures |= await run(engine, options.jobs)
            if profile:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(45)
            if options.picks:
                waits += await pick_up(Engine(stores, directory, options.slots), options.picks)
            rounds.append(figures)
    found: dict[str, Any] = {
        name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]
    }
    if waits:
        waits.sort()
        found["pick_up_ms_p50"] = round(waits[len(waits) // 2] * 1e3, 2)
        found["pick_up_ms_p99"] = round(waits[int(len(waits) * 0.99) - 1] * 1e3, 2)
    return {"store": kind, "jobs": options.jobs, "rounds": options.rounds, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", choices=("sqlite", "postgres"))
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--ones", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picks", type=int, default=70)
    parser.add_argument("--backlog", type=int, default=0, help="jobs of another tag that wait")
    parser.add_argument("--finished", type=int, default=0, help="finished jobs in the history")
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    print(json.dumps({**asyncio.run(measure(options.store, options)), "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()

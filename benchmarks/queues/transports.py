"""The queue with its worker in a process of its own, over each way that jobs can take to it.

    python -m benchmarks.queues.transports [--ways memory,unix,amqp,nats] [--store sqlite|postgres]
        [--jobs 10000] [--slots 200] [--rounds 3] [--worker bare|functions]

A `bare` worker answers each job with an outcome that has a result; `functions` is the worker of
`tidemill worker --app`, which calls a function that does nothing. `memory` is a bare worker within
the process of the dispatcher. Rounds of all ways alternate; medians are shown. CPU is per job: of
the dispatcher's process, of the worker's, of PostgreSQL and of the broker (of all that it does).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import nats
import psutil

from benchmarks.queues import engine
from tidemill.infrastructure.queues.factory import QueueOptions, open_queues
from tidemill.jobs.code.functions.registry import REGISTRY, load_program
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.doors import broker_door, everybody
from tidemill.jobs.dispatching.brokers.options import BrokerOptions
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.service import Worker
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
from tidemill.jobs.protocol.unix import UnixListener, connect, read_secret
from tidemill.runtime.collecting import spare_collections

URLS = {
    "amqp": os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/"),
    "nats": os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
}
SERVERS = {"amqp": "beam.smp", "nats": "nats-server"}
PROGRAM = "benchmarks.queues.noop"
engine.FUNCTION = f"{PROGRAM}:noop"


class Transported(engine.Engine):
    """Dispatcher here, worker in another process."""

    def __init__(
        self, stores: Any, directory: Path, options: argparse.Namespace, way: str, number: int
    ) -> None:
        super().__init__(stores, directory, options.slots)
        self.way = way
        self._options = options
        self._directory = directory / f"s{number}"
        self._names = {"task_queue": f"bench{os.getpid()}", "status_queue": f"bench{os.getpid()}s"}
        self.worker_pid = 0
        reception = self.dispatcher._reception  # noqa: SLF001 - as the composition does
        if way == "unix":
            self.dispatcher.listener = UnixListener(self._directory, reception.serve)
            reception.is_secret = self.dispatcher.listener.is_secret
        elif way in URLS:
            queues = open_queues(QueueOptions(url=URLS[way], **self._names))
            names = BrokerOptions(**self._names)
            self.dispatcher.doors = (
                broker_door(queues, names, admit=everybody, leads=lambda: True)(reception),
            )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run dispatcher and worker while the block lasts."""
        if self.way == "memory":
            async with super().working():
                yield
            return
        await self.dispatcher.start()
        order = {
            "way": self.way,
            "kind": self._options.worker,
            "slots": self.slots,
            "directory": str(self._directory),
            **self._names,
        }
        words = (sys.executable, "-m", __spec__.name, "--serve", json.dumps(order))
        worker = await asyncio.create_subprocess_exec(*words)
        self.worker_pid = worker.pid
        try:
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            await worker.wait()
            await self.dispatcher.stop()
            await remove(self.way, self._names)


async def remove(way: str, names: dict[str, str]) -> None:
    """Leave nothing at the broker."""
    if way == "amqp":
        connection = await aio_pika.connect(URLS[way])
        channel = await connection.channel()
        await channel.queue_delete(names["status_queue"])
        await connection.close()
    elif way == "nats":
        client = await nats.connect(URLS[way])
        for name in names.values():
            await client.jetstream().delete_stream(name)
        await client.close()


async def serve(order: dict[str, Any]) -> None:
    """Be the worker."""
    dialer = None
    if order["way"] in URLS:
        names = {name: order[name] for name in ("task_queue", "status_queue")}
        queues = open_queues(QueueOptions(url=URLS[order["way"]], **names))
        dialer = BrokerDialer(queues, BrokerOptions(**names), "bench", slots=order["slots"])

    async def way() -> tuple[WorkerConnection, str]:
        if dialer is not None:
            return await dialer.connect(), ""
        directory = Path(order["directory"])
        return await connect(directory), read_secret(directory)

    try:
        if order["kind"] == "functions":
            await _call_functions(order, way)
        else:
            await _answer(*await way(), order["slots"])
    finally:
        if dialer is not None:
            await dialer.close()


async def _call_functions(order: dict[str, Any], way: Any) -> None:
    load_program(PROGRAM)
    directory = Path(order["directory"])
    options = WorkerOptions(
        worker_id="bench",
        socket_directory=directory,
        run_directory=directory / "worker",
        slots=order["slots"],
    )
    functions = Functions(REGISTRY.all(), threads_max=2)
    spare_collections()  # As `tidemill worker` does.
    worker = Worker(options, way, isolations=(), functions=functions)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.drain)
    await worker.run()


async def _answer(connection: WorkerConnection, secret: str, slots: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await connection.send(
        Hello(
            version=protocol_version,
            worker_id="bench",
            secret=secret,
            host="here",
            slots=slots,
            tags=("default",),
            isolations=(Isolation.FUNCTION,),
            functions=(RegisteredFunction(name=engine.FUNCTION, schema="{}"),),
        )
    )
    await connection.receive()

    async def answer() -> None:
        while True:
            for message in await connection.receive_batch(64):
                if type(message) is Assign:
                    outcomes = tuple(outcome_of(job) for job in message.jobs)
                    connection.send_soon(Outcomes(jobs=outcomes))

    answering = asyncio.create_task(answer())
    await ended.wait()
    answering.cancel()
    await connection.close()


def outcome_of(job: Any) -> Outcome:
    """Return that the job has succeeded."""
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


def spent(names: tuple[str, ...], pids: tuple[int, ...]) -> float:
    """Return the CPU seconds of processes so far."""
    seconds = 0.0
    for process in psutil.process_iter(["pid", "name", "cpu_times"]):
        if process.info["name"] in names or process.info["pid"] in pids:
            seconds += process.info["cpu_times"].user + process.info["cpu_times"].system
    return seconds


async def run(one: Transported, count: int) -> dict[str, float]:
    """Run what is queued, from the first end to the last one stored."""
    server = (SERVERS[one.way],) if one.way in SERVERS else ()
    async with one.working():
        while (before := await ended(one)) == 0:  # noqa: ASYNC110 - the books are asked
            await asyncio.sleep(0.005)
        started, own = time.perf_counter(), engine.cpu()
        worker, broker = spent((), (one.worker_pid,)), spent(server, ())
        while not await one.over():  # noqa: ASYNC110 - the books are asked
            await asyncio.sleep(0.02)
        seconds, own_after = time.perf_counter() - started, engine.cpu()
        worker, broker = (
            spent((), (one.worker_pid,)) - worker if one.worker_pid else 0.0,
            spent(server, ()) - broker,
        )
    left = count - before
    return {
        "jobs_per_s": left / seconds,
        "cpu_us_dispatcher": (own_after[0] - own[0]) / left * 1e6,
        "cpu_us_worker": worker / left * 1e6,
        "cpu_us_postgres": (own_after[1] - own[1]) / left * 1e6,
        "cpu_us_broker": broker / left * 1e6,
    }


async def ended(one: Transported) -> int:
    """Return how many jobs are in the history."""
    rows = await one.stores.jobs.read(
        engine.INSTALLATION, lambda tx: tx.one("SELECT COUNT(*) FROM job_history")
    )
    return int(rows[0])


async def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the medians of each way."""
    rounds: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways.split(",")}
    async with engine.opened(options.store) as (stores, directory):
        for number in range(options.rounds):
            for place, (way, figures) in enumerate(rounds.items()):
                number_of = number * len(rounds) + place
                one = Transported(stores, directory, options, way, number_of)
                await one.clear()
                await engine.bulk(one, options.jobs)
                figures.append(await run(one, options.jobs))
    return [
        {
            "way": way,
            "store": options.store,
            "worker": options.worker,
            **{
                name: round(statistics.median(one[name] for one in figures), 1)
                for name in figures[0]
            },
        }
        for way, figures in rounds.items()
    ]


def main() -> None:
    """Measure, or be the worker of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", default="memory,unix,amqp,nats")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--worker", choices=("bare", "functions"), default="bare")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(json.loads(options.serve)))
        return
    for line in asyncio.run(measure(options)):
        print(json.dumps({**line, "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()

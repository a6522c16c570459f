"""Dispatcher and worker of a queue in one process: the fastest way from enqueue to result."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import random
import signal
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.config import Config
from tidemill.core.module import Periodic, Service
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse, OwnerLock
from tidemill.jobs.code.functions.api import REACH, Reach
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.functions.worker import FunctionWorker
from tidemill.jobs.dispatching.dispatcher.assignments import Assignments
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.tending import Tending
from tidemill.jobs.execution.worker.machine import machine_cpu, machine_memory_mib
from tidemill.jobs.execution.worker.memory import Wear
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.memory import MemoryListener
from tidemill.jobs.queueing.queue.models import RetryPolicy
from tidemill.jobs.records.logs.files import LogFiles
from tidemill.jobs.records.logs.writing import LogArrivals, LogWriter
from tidemill.runtime.queue.identity import WorkerIdentity
from tidemill.runtime.queue.job_api import QueueServices
from tidemill.runtime.queue.opening import OpenQueue, open_queue
from tidemill.runtime.queue.places import QueuePlace
from tidemill.runtime.queue.relay import OutboxRelay
from tidemill.runtime.queue.schedules import QueueScheduler
from tidemill.runtime.services import PeriodicWork, Services, running

log = structlog.get_logger(__name__)

look_seconds: Final = 1.0
log_spare_bytes: Final = 64 * 1024
forget_seconds: Final = 60.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class QueueOptions(Struct, frozen=True, kw_only=True):
    """How much the worker of a queue does at once, and which jobs it takes."""

    slots: int = 200
    tags: tuple[str, ...] = ("default",)
    outboxes: tuple[Path, ...] = ()
    own_memory_mib_max: int = 0


async def work_queue(
    place: QueuePlace,
    functions: Functions,
    options: QueueOptions,
    config: Config,
    *,
    ready: Callable[[str], None],
) -> bool:
    """Run jobs of the queue at `place` until SIGTERM or SIGINT, then finish what runs.

    `ready` is called with the worker's name once jobs are taken. Return whether it ended since its
    process had grown too large, and shall begin anew. Raises as `queue_worker` does.
    """
    loop, asked, told = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    stop, wear = asked.set, Wear(options.own_memory_mib_max)

    def heed(*_: object) -> None:
        told.set()
        # Not the loop's own handlers: those end with the loop, and a signal after that would
        # break off a process that is about to end well.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: stop())  # noqa: PLW0108 - it changes meanwhile

    for number in _SIGNALS:
        signal.signal(number, heed)
    async with queue_worker(place, functions, options, config) as worker:
        if not asked.is_set():
            stop = worker.drain
            ready(worker.name)
            async with wear.watched(worker.drain):
                await worker.ended
    worn = wear.worn and not told.is_set()
    if not worn:
        # The interpreter sets its own handlers back before it ends; what is ignored it leaves.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    return worn


class QueueWorker:
    """A worker that takes jobs; `ended` is done once it has drained."""

    def __init__(self, name: str, worker: FunctionWorker, services: QueueServices) -> None:
        self.name = name
        # Only the worker's functions shall see it, not the program around this.
        context = contextvars.copy_context()
        context.run(REACH.set, Reach(asyncio.get_running_loop(), services.of))
        self.ended = asyncio.create_task(worker.run(), name="queue worker", context=context)
        self._worker = worker

    def drain(self) -> None:
        """Take nothing more, and end when the last job has; a second call hurries."""
        self._worker.drain()


@contextlib.asynccontextmanager
async def queue_worker(
    place: QueuePlace, functions: Functions, options: QueueOptions, config: Config
) -> AsyncIterator[QueueWorker]:
    """Run dispatcher and worker of the queue at `place` while the block lasts, then drain.

    Raises `DataDirectoryInUse` when another worker has the SQLite file, since one process writes
    it fastest, `StoreUnavailable`, `MigrationFailed` and `BusUnavailable`.
    """
    async with contextlib.AsyncExitStack() as stack:
        if place.url is None:
            lock = await asyncio.to_thread(_own, place.state)
            stack.callback(lock.release)
        identity = await asyncio.to_thread(WorkerIdentity.take, place.state)
        stack.callback(identity.release)
        queue = await open_queue(place)
        stack.push_async_callback(queue.close)
        dispatcher, tending = _dispatcher(queue, place, identity, options, config)
        services: list[Service] = [dispatcher]
        if place.has_no_server:
            forget = FunctionService(queue.store.jobs).forget_facts
            facts = Periodic(name="queue.facts", every_seconds=forget_seconds, run=forget)
            services.append(PeriodicWork([facts]))
            services.append(
                QueueScheduler(
                    queue, leads=lambda: tending.leads, history_days=config.jobs.history_days
                )
            )
        if options.outboxes:
            services.append(OutboxRelay(options.outboxes, queue))
        await stack.enter_async_context(running(Services(services)))
        calls = _worker(
            dispatcher, identity, functions, options, config, _ahead_max(place, options)
        )
        if config.worker.http_address:
            # Imported here, so that a worker without probes stays small.
            from tidemill.runtime.queue.probes import queue_probes  # noqa: PLC0415 - as said

            address = config.worker.http_address
            await stack.enter_async_context(queue_probes(address, queue, dispatcher, calls))
        reach = QueueServices(queue)
        worker = QueueWorker(identity.name, calls, reach)
        try:
            yield worker
        finally:
            if not worker.ended.done():
                worker.drain()
            await worker.ended


def _own(state: Path) -> OwnerLock:
    try:
        return OwnerLock.acquire(state)
    except DataDirectoryInUse as error:
        advice = "A SQLite file has one worker: stop that one first, or take PostgreSQL."
        raise DataDirectoryInUse(state, error.holder, advice=advice) from None


def _dispatcher(
    queue: OpenQueue,
    place: QueuePlace,
    identity: WorkerIdentity,
    options: QueueOptions,
    config: Config,
) -> tuple[Dispatcher, Tending]:
    clock, jobs = queue.clock, config.jobs
    ahead_max = _ahead_max(place, options)
    wanted = DispatcherOptions(
        directory=None,
        api_url="",
        # Two starts of one worker must not be taken for the same leader.
        holder=f"{identity.name}:{os.getpid()}:{clock.now()}",
        lease_seconds=config.lease_seconds,
        # The leader fires schedules, reads the broker and prunes, for which a server has more.
        may_lead=place.has_no_server,
        heartbeat_seconds=config.worker.heartbeat_interval_seconds,
        jobs_per_turn_max=config.dispatcher.jobs_per_turn_max,
        dispatched_max=max(options.slots + ahead_max, config.dispatcher.max_concurrent_dispatches),
        look_seconds=min(look_seconds, config.dispatcher.schedule_interval_seconds),
        history_days=jobs.history_days,
        log_bytes_max=jobs.log_bytes_max,
        result_bytes_max=jobs.result_bytes_max,
    )
    policy = RetryPolicy(seconds_min=jobs.retry_seconds_min, seconds_max=jobs.retry_seconds_max)
    dispatching = Dispatching(
        queue.store.jobs,
        policy,
        random.random,
        signals=queue.signals,
        lease_seconds=config.lease_seconds,
    )
    files = LogFiles(place.state / "logs", bytes_max=jobs.log_bytes_max + log_spare_bytes)
    arrivals = LogArrivals()
    tending = Tending(wanted, dispatching, queue.signals, files, clock)
    dispatcher = Dispatcher(
        wanted,
        Peers(
            dispatching=dispatching,
            assignments=Assignments(wanted, queue.scripts, lambda: None),
            signals=queue.signals,
            logs=LogWriter(files, queue.endings, arrivals),
            arrivals=arrivals,
            tending=tending,
            clock=clock,
            functions=FunctionService(queue.store.jobs),
        ),
    )
    return dispatcher, tending


def _ahead_max(place: QueuePlace, options: QueueOptions) -> int:
    # The server works on the next batch while this process runs one. SQLite would work in this
    # process, and each would wait for the other's hold of the interpreter.
    return 0 if place.url is None else options.slots


def _worker(
    dispatcher: Dispatcher,
    identity: WorkerIdentity,
    functions: Functions,
    options: QueueOptions,
    config: Config,
    ahead_max: int,
) -> FunctionWorker:
    async def to_dispatcher() -> tuple[WorkerConnection, str]:
        listener = dispatcher.listener
        if not isinstance(listener, MemoryListener):
            raise ConnectionLost("The dispatcher listens for other processes.")
        return listener.connect(), listener.secret

    wanted = WorkerOptions(
        worker_id=identity.name,
        socket_directory=identity.directory,
        run_directory=identity.directory,
        slots=options.slots,
        ahead_max=ahead_max,
        tags=options.tags,
        labels=config.worker.labels,
        cpu=config.worker.cpu or machine_cpu(),
        memory_mib=config.worker.memory_mib or machine_memory_mib(),
        isolations=(),
        drain_seconds_max=config.worker.stop_seconds_max,
    )
    return FunctionWorker(wanted, to_dispatcher, functions)

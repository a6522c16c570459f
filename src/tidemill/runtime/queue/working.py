"""Dispatcher and worker of a queue in one process: the fastest way from enqueue to result."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.config import Config
from tidemill.core.module import Periodic, Service
from tidemill.infrastructure.database.owner_lock import OwnerLock
from tidemill.jobs.dispatcher.assignments import Assignments
from tidemill.jobs.dispatcher.dispatcher import Dispatcher, Peers
from tidemill.jobs.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatcher.service import Dispatching
from tidemill.jobs.dispatcher.tending import Tending
from tidemill.jobs.functions.running import Functions
from tidemill.jobs.functions.service import FunctionService
from tidemill.jobs.functions.worker import FunctionWorker
from tidemill.jobs.logs.files import LogFiles
from tidemill.jobs.logs.writing import LogArrivals, LogWriter
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.memory import MemoryListener
from tidemill.jobs.queue.models import RetryPolicy
from tidemill.jobs.worker.options import WorkerOptions
from tidemill.runtime.queue.identity import WorkerIdentity
from tidemill.runtime.queue.opening import OpenQueue, open_queue
from tidemill.runtime.queue.places import QueuePlace
from tidemill.runtime.queue.relay import OutboxRelay
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


async def work_queue(
    place: QueuePlace,
    functions: Functions,
    options: QueueOptions,
    config: Config,
    *,
    ready: Callable[[str], None],
) -> None:
    """Run jobs of the queue at `place` until SIGTERM or SIGINT, then finish what runs.

    `ready` is called with the worker's name once jobs are taken. Raises as `queue_worker` does.
    """
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    stop = asked.set

    def heed(*_: object) -> None:
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
            await worker.ended


class QueueWorker:
    """A worker that takes jobs; `ended` is done once it has drained."""

    def __init__(self, name: str, worker: FunctionWorker) -> None:
        self.name = name
        self.ended = asyncio.create_task(worker.run(), name="queue worker")
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
            lock = await asyncio.to_thread(OwnerLock.acquire, place.state)
            stack.callback(lock.release)
        identity = await asyncio.to_thread(WorkerIdentity.take, place.state)
        stack.callback(identity.release)
        queue = await open_queue(place)
        stack.push_async_callback(queue.close)
        dispatcher = _dispatcher(queue, place, identity, options, config)
        services: list[Service] = [dispatcher]
        if place.has_no_server:
            forget = FunctionService(queue.store.jobs).forget_facts
            facts = Periodic(name="queue.facts", every_seconds=forget_seconds, run=forget)
            services.append(PeriodicWork([facts]))
        if options.outboxes:
            services.append(OutboxRelay(options.outboxes, queue))
        await stack.enter_async_context(running(Services(services)))
        worker = QueueWorker(
            identity.name, _worker(dispatcher, identity, functions, options, config)
        )
        try:
            yield worker
        finally:
            if not worker.ended.done():
                worker.drain()
            await worker.ended


def _dispatcher(
    queue: OpenQueue,
    place: QueuePlace,
    identity: WorkerIdentity,
    options: QueueOptions,
    config: Config,
) -> Dispatcher:
    clock, jobs = queue.clock, config.jobs
    wanted = DispatcherOptions(
        directory=None,
        api_url="",
        # Two starts of one worker must not be taken for the same leader.
        holder=f"{identity.name}:{os.getpid()}:{clock.now()}",
        lease_seconds=config.lease_seconds,
        heartbeat_seconds=config.worker.heartbeat_interval_seconds,
        jobs_per_turn_max=config.dispatcher.jobs_per_turn_max,
        dispatched_max=max(options.slots, config.dispatcher.max_concurrent_dispatches),
        look_seconds=min(look_seconds, config.dispatcher.schedule_interval_seconds),
        history_days=jobs.history_days,
        log_bytes_max=jobs.log_bytes_max,
        result_bytes_max=jobs.result_bytes_max,
    )
    policy = RetryPolicy(seconds_min=jobs.retry_seconds_min, seconds_max=jobs.retry_seconds_max)
    dispatching = Dispatching(queue.store.jobs, policy, random.random)
    files = LogFiles(place.state / "logs", bytes_max=jobs.log_bytes_max + log_spare_bytes)
    arrivals = LogArrivals()
    return Dispatcher(
        wanted,
        Peers(
            dispatching=dispatching,
            assignments=Assignments(wanted, queue.scripts, lambda: None),
            signals=queue.signals,
            logs=LogWriter(files, queue.endings, arrivals),
            arrivals=arrivals,
            tending=Tending(wanted, dispatching, queue.signals, files, clock),
            clock=clock,
            functions=FunctionService(queue.store.jobs),
        ),
    )


def _worker(
    dispatcher: Dispatcher,
    identity: WorkerIdentity,
    functions: Functions,
    options: QueueOptions,
    config: Config,
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
        tags=options.tags,
        isolations=(),
        drain_seconds_max=config.worker.stop_seconds_max,
    )
    return FunctionWorker(wanted, to_dispatcher, functions)

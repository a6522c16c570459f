"""The entry point of the worker's process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from tidemill.jobs.isolation.probe import probe
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.protocol.unix import connect, read_secret
from tidemill.jobs.worker.contract import Functions, Look, OnSettings, ignore_settings
from tidemill.jobs.worker.options import WorkerOptions
from tidemill.jobs.worker.service import Worker

Beside = Callable[[Callable[[], Look]], AbstractAsyncContextManager[None]]
"""What is open while a worker works, and looks at it now and then."""

log = structlog.get_logger("tidemill.jobs.worker")


@asynccontextmanager
async def nothing(look: Callable[[], Look]) -> AsyncIterator[None]:
    """Keep nothing beside a worker."""
    del look
    yield


def run_worker(
    options: WorkerOptions,
    *,
    on_settings: OnSettings = ignore_settings,
    functions: Functions | None = None,
    beside: Beside = nothing,
) -> None:
    """Run a worker in this process until it is told to stop (TERM or INT drains it).

    `on_settings` is called with what is stored whenever the dispatcher tells it; `beside` is open
    while the worker works.
    """
    _become_nicer(options.niceness)
    asyncio.run(serve_worker(options, on_settings=on_settings, functions=functions, beside=beside))


async def serve_worker(
    options: WorkerOptions,
    *,
    on_settings: OnSettings = ignore_settings,
    functions: Functions | None = None,
    beside: Beside = nothing,
) -> None:
    """Run a worker on the running loop, which must be that of the main thread."""
    isolations = options.isolations or (await _offered(options))

    async def to_dispatcher() -> tuple[WorkerConnection, str]:
        # The secret is read each time: it changes when the dispatcher starts anew.
        secret = options.secret or read_secret(options.socket_directory)
        return await connect(options.socket_directory), secret

    worker = Worker(
        options,
        to_dispatcher,
        isolations=isolations,
        on_settings=on_settings,
        functions=functions,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.drain)
    try:
        async with beside(worker.look):
            await worker.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _offered(options: WorkerOptions) -> tuple[Isolation, ...]:
    options.run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    offer = await probe(options.run_directory)
    if offer.reason is not None:
        log.warning("worker.sandbox_not_offered", reason=offer.reason, fix=offer.fix)
    return offer.isolations


def _become_nicer(niceness: int) -> None:
    # Jobs give way to the API, which answers people; their processes inherit this.
    missing = niceness - os.getpriority(os.PRIO_PROCESS, 0)
    if missing > 0:
        os.nice(missing)

"""The entry point of the worker's process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from tidemill.jobs.execution.isolation.probe import probe
from tidemill.jobs.execution.worker.contract import Functions, Look, OnSettings, ignore_settings
from tidemill.jobs.execution.worker.memory import Wear
from tidemill.jobs.execution.worker.options import Remote, WorkerOptions
from tidemill.jobs.execution.worker.service import Connect, Worker
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.protocol.tls import dial
from tidemill.jobs.protocol.unix import connect, read_secret

Way = Callable[[WorkerOptions], AbstractAsyncContextManager[Connect]]
"""What is open while a worker works, and makes its connections."""

Beside = Callable[[Callable[[], Look]], AbstractAsyncContextManager[None]]
"""What is open while a worker works, and looks at it now and then."""

log = structlog.get_logger("tidemill.jobs.execution.worker")


@asynccontextmanager
async def directly(options: WorkerOptions) -> AsyncIterator[Connect]:
    """Connect to the dispatcher that `options` name."""
    yield way_to_dispatcher(options)


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
    way: Way = directly,
) -> bool:
    """Run a worker in this process until it is told to stop (TERM or INT drains it).

    `on_settings` is called with what is stored whenever the dispatcher tells it; `beside` is open
    while the worker works, as is `way`, over which it reaches the dispatcher. Return whether it
    ended since it had grown too large, and shall begin anew.
    """
    _become_nicer(options.niceness)
    return asyncio.run(
        serve_worker(options, on_settings=on_settings, functions=functions, beside=beside, way=way)
    )


async def serve_worker(
    options: WorkerOptions,
    *,
    on_settings: OnSettings = ignore_settings,
    functions: Functions | None = None,
    beside: Beside = nothing,
    way: Way = directly,
) -> bool:
    """Run a worker on the running loop, which must be that of the main thread.

    Return whether it ended since it had grown too large.
    """
    wear = Wear(options.own_memory_mib_max)
    isolations = options.isolations or (await _offered(options))
    async with way(options) as connect_:
        worker = Worker(
            options,
            connect_,
            isolations=isolations,
            on_settings=on_settings,
            functions=functions,
        )
        async with wear.watched(worker.drain):
            told = await _serve_until_told(worker, beside)
    # Somebody who stops it meanwhile wants it to stay away.
    return wear.worn and not told


async def _serve_until_told(worker: Worker, beside: Beside) -> bool:
    """Return whether a signal told it to stop."""
    loop, told = asyncio.get_running_loop(), False

    def stop() -> None:
        nonlocal told
        told = True
        worker.drain()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        async with beside(worker.look):
            await worker.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return told


def way_to_dispatcher(options: WorkerOptions) -> Connect:
    """Return what makes connections to the dispatcher that `options` name."""
    remote = options.remote

    async def nearby() -> tuple[WorkerConnection, str]:
        # The secret is read each time: it changes when the dispatcher starts anew.
        secret = options.secret or read_secret(options.socket_directory)
        return await connect(options.socket_directory), secret

    async def far(remote: Remote) -> tuple[WorkerConnection, str]:
        # So is the token, which may have been replaced.
        token = read_token(remote.token_file)
        return await dial(remote.target), token

    return nearby if remote is None else partial(far, remote)


def read_token(path: Path) -> str:
    """Return the worker token in the file `path`; raises `ConnectionLost` without one."""
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectionLost(f"worker.token_file {path} cannot be read: {error}.") from error
    if not token:
        raise ConnectionLost(f"worker.token_file {path} is empty.")
    return token


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

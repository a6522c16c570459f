from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.worker.dispatcher import Dispatcher
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.service import Worker
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.jobs.protocol.messages import Isolation
from tidemill.jobs.protocol.unix import connect, read_secret

StartWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def dispatcher(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(tmp_path / "run")
    await dispatcher.start()
    yield dispatcher
    await dispatcher.stop()


@pytest.fixture
async def start_worker(dispatcher: Dispatcher, tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Start workers on the test's own loop; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Worker:
            defaults: dict[str, Any] = {
                "worker_id": tmp_path.name,
                "socket_directory": dispatcher.directory,
                "run_directory": tmp_path / "worker",
                "slots": 2,
            }
            settings = WorkerOptions(**(defaults | options))
            return await stack.enter_async_context(_running(settings))

        yield start


@asynccontextmanager
async def _running(options: WorkerOptions) -> AsyncIterator[Worker]:
    async def to_dispatcher() -> tuple[WorkerConnection, str]:
        secret = read_secret(options.socket_directory)
        return await connect(options.socket_directory), secret

    isolations = options.isolations or (Isolation.FORK, Isolation.SANDBOX, Isolation.WARM)
    worker = Worker(options, to_dispatcher, isolations=isolations)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

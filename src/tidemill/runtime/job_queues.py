"""The broker that carries jobs, as dispatchers and workers use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tidemill.core.config import Config
from tidemill.core.module import Port
from tidemill.core.queues import JOB_QUEUES, Queues
from tidemill.infrastructure.queues.factory import QueueOptions, open_queues
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.options import BrokerOptions, broker_options
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.execution.worker.run import Way, read_token
from tidemill.jobs.execution.worker.service import Connect
from tidemill.jobs.protocol.connection import WorkerConnection
from tidemill.runtime.adapters import broker_tls
from tidemill.runtime.worker_options import check_readable


def job_queues(config: Config) -> Mapping[Port[Any], object]:
    """Return the way to the broker as the port that a dispatcher asks for; nothing without one."""
    if not (config.message_queue.carries_jobs and config.dispatcher.enabled):
        return {}
    return {JOB_QUEUES: _queues(config)}


def broker_way(config: Config) -> Way:
    """Return how a worker reaches its dispatcher through the broker."""
    token_file = Path(config.worker.token_file) if config.worker.token_file else None
    if token_file is not None:
        check_readable("token_file", token_file)
    return partial(_way, _queues(config), broker_options(config), token_file)


def _queues(config: Config) -> Queues:
    queue = config.message_queue
    return open_queues(
        QueueOptions(
            url=queue.url,
            task_queue=queue.task_queue,
            status_queue=queue.status_queue,
            tls=broker_tls(config),
        )
    )


@asynccontextmanager
async def _way(
    queues: Queues, names: BrokerOptions, token_file: Path | None, options: WorkerOptions
) -> AsyncIterator[Connect]:
    dialer = BrokerDialer(queues, names, options.worker_id, slots=options.slots)

    async def connect() -> tuple[WorkerConnection, str]:
        # Without a token the broker alone says who is a worker. It may have been replaced.
        token = "" if token_file is None else read_token(token_file)
        return await dialer.connect(), token

    try:
        yield connect
    finally:
        await dialer.close()

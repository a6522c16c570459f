"""What the worker of a program tells of itself by HTTP, where it is asked to.

It dispatches, too, so that it shows the figures of jobs that a server's dispatcher shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tidemill import __version__
from tidemill.core.figures import Figure, gauge
from tidemill.core.module import Periodic
from tidemill.infrastructure.observability import Health, Metrics
from tidemill.infrastructure.observability.probes import probes
from tidemill.jobs.code.functions.worker import FunctionWorker
from tidemill.jobs.dispatching.dispatcher.dispatcher import Dispatcher
from tidemill.jobs.figures import figures_of
from tidemill.runtime.queue.opening import OpenQueue
from tidemill.runtime.revision import revision
from tidemill.runtime.services import PeriodicWork, Services, running

count_seconds: Final = 15.0


@asynccontextmanager
async def queue_probes(
    address: str, queue: OpenQueue, dispatcher: Dispatcher, worker: FunctionWorker
) -> AsyncIterator[None]:
    """Answer probes at `address` while the block lasts. Raises `ConfigRefused`."""
    health = Health()
    metrics = Metrics(version=__version__, role="worker", revision=revision())

    async def takes_jobs() -> str | None:
        return "It is about to end, and takes no more jobs." if worker.draining else None

    health.add("dispatcher", dispatcher.check)
    health.add("worker", takes_jobs, kept=0.0)
    for figure in (
        *figures_of(queue.signals.figures, queue.clock.now),
        *queue.signals.breakdown.figures(queue.clock.now),
        Figure(
            name="tidemill_worker_slots",
            meaning="Jobs that may run at once.",
            read=gauge(lambda: worker.slots),
        ),
        Figure(
            name="tidemill_worker_jobs_running",
            meaning="Jobs that run.",
            read=gauge(lambda: worker.running),
        ),
    ):
        metrics.add(figure)
    count = Periodic(name="jobs.figures", every_seconds=count_seconds, run=dispatcher.count)
    counting = Services([PeriodicWork([count])])
    async with running(counting), probes(address, health, metrics):
        yield

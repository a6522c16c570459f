"""What a worker tells of itself by HTTP, where it is asked to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tidemill import __version__
from tidemill.core.figures import Figure, FigureKind, gauge
from tidemill.infrastructure.observability import Health, Metrics
from tidemill.infrastructure.observability.probes import probes
from tidemill.jobs.execution.worker.contract import Look
from tidemill.runtime.revision import revision


@asynccontextmanager
async def worker_probes(look: Callable[[], Look], address: str) -> AsyncIterator[None]:
    """Answer probes of a worker at `address` while the block lasts."""
    health = Health()
    metrics = Metrics(version=__version__, role="worker", revision=revision())

    async def dispatcher() -> str | None:
        return None if look().connected else "No dispatcher is connected; none gives it jobs."

    health.add("dispatcher", dispatcher)
    for figure in worker_figures(look):
        metrics.add(figure)
    async with probes(address, health, metrics):
        yield


def worker_figures(look: Callable[[], Look]) -> Sequence[Figure]:
    """Return what metrics show of a worker."""
    return (
        Figure(
            name="tidemill_worker_slots",
            meaning="Jobs that may run at once.",
            read=gauge(lambda: look().slots),
        ),
        Figure(
            name="tidemill_worker_jobs_running",
            meaning="Jobs that run.",
            read=gauge(lambda: look().running),
        ),
        Figure(
            name="tidemill_sandbox_starts_total",
            meaning="Jobs started in a room that waited for one (spare) or was made then (fresh).",
            read=look().keeper.starts.samples,
            kind=FigureKind.COUNTER,
            labels=("room",),
        ),
        Figure(
            name="tidemill_sandbox_environments",
            meaning="Prepared processes that jobs are forked from.",
            read=gauge(lambda: look().keeper.zygotes),
        ),
    )

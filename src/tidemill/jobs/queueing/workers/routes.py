"""HTTP of workers."""

from __future__ import annotations

from tidemill.http import get
from tidemill.jobs.permissions import READ_WORKERS
from tidemill.jobs.queueing.workers.schemas import WorkerPage, WorkerView
from tidemill.jobs.queueing.workers.service import WorkerService


@get("/workers", READ_WORKERS)
async def list_workers(workers: WorkerService) -> WorkerPage:
    """List the workers that run jobs here, with what they take and how they are."""
    return WorkerPage(
        items=[WorkerView.of(worker, state) for worker, state in await workers.list()]
    )


ROUTES = (list_workers,)

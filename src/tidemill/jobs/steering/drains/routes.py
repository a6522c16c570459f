"""HTTP of taking workers out of service."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.http import post
from tidemill.jobs.permissions import DRAIN_WORKERS
from tidemill.jobs.queueing.workers.schemas import DrainWorker, WorkerView
from tidemill.jobs.queueing.workers.service import WorkerService
from tidemill.jobs.steering.drains.service import DrainService


@post("/workers/{worker_id:str}/drain", DRAIN_WORKERS, status_code=200)
async def drain_worker(
    worker_id: str,
    actor: Actor,
    workers: WorkerService,
    worker_drains: DrainService,
    data: DrainWorker | None = None,
) -> WorkerView:
    """Give a worker nothing more: it finishes what it has, and stays or leaves."""
    leaves = data is not None and data.leave
    worker = await worker_drains.drain(worker_id, leaves=leaves, actor=actor)
    return WorkerView.of(worker, workers.state(worker))


@post("/workers/{worker_id:str}/resume", DRAIN_WORKERS, status_code=200)
async def resume_worker(
    worker_id: str, actor: Actor, workers: WorkerService, worker_drains: DrainService
) -> WorkerView:
    """Give a worker jobs again that was to take none."""
    worker = await worker_drains.resume(worker_id, actor=actor)
    return WorkerView.of(worker, workers.state(worker))


ROUTES = (drain_worker, resume_worker)

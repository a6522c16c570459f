"""Bodies of workers."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.queueing.workers.models import Worker, WorkerState


class DrainWorker(Body, frozen=True, kw_only=True):
    """Whether the worker's process ends when it has finished what it holds."""

    leave: bool = False


class WorkerView(View, frozen=True, kw_only=True):
    """A worker: what it takes, and how it is."""

    id: str
    host: str
    state: WorkerState
    slots: int
    running: int
    tags: list[str]
    isolations: list[str]
    labels: list[str]
    cpu: float | None
    memory_mib: int | None
    resident_bytes: int
    connected_at: str
    seen_at: str

    @classmethod
    def of(cls, worker: Worker, state: WorkerState) -> Self:
        """Return the view of `worker`."""
        return cls(
            id=worker.id,
            host=worker.host,
            state=state,
            slots=worker.slots,
            running=worker.jobs,
            tags=list(worker.tags),
            isolations=list(worker.isolations),
            labels=sorted(worker.machine.labels),
            cpu=worker.machine.cpu,
            memory_mib=worker.machine.memory_mib,
            resident_bytes=worker.resident_bytes,
            connected_at=rfc3339(worker.connected_at),
            seen_at=rfc3339(worker.seen_at),
        )


class WorkerPage(PageView, frozen=True, kw_only=True):
    """All workers, by name."""

    items: list[WorkerView]

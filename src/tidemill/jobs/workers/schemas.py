"""Bodies of workers."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339
from tidemill.http import PageView, View
from tidemill.jobs.workers.models import Worker, WorkerState


class WorkerView(View, frozen=True, kw_only=True):
    """A worker: what it takes, and how it is."""

    id: str
    host: str
    state: WorkerState
    slots: int
    running: int
    tags: list[str]
    isolations: list[str]
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
            resident_bytes=worker.resident_bytes,
            connected_at=rfc3339(worker.connected_at),
            seen_at=rfc3339(worker.seen_at),
        )


class WorkerPage(PageView, frozen=True, kw_only=True):
    """All workers, by name."""

    items: list[WorkerView]

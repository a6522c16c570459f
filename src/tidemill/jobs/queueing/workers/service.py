"""What one can know about workers."""

from __future__ import annotations

from tidemill.core.clock import Clock
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Tx
from tidemill.jobs.queueing.workers.models import Called, Worker, WorkerState, waiting_for
from tidemill.jobs.queueing.workers.repository import WorkerRepository
from tidemill.jobs.requirements.models import NOTHING, Requires


class WorkerService:
    """Reads the book of workers that the dispatcher keeps."""

    def __init__(self, jobs: Database, clock: Clock, *, lease_seconds: float) -> None:
        self._jobs = jobs
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._workers = WorkerRepository()

    async def list(self) -> list[tuple[Worker, WorkerState]]:
        """Return every worker and what can be said of it, by name."""
        workers = await self._jobs.read(INSTALLATION, self._workers.all)
        now = self._clock.now()
        return [(worker, worker.state(now, self._lease_seconds)) for worker in workers]

    def state(self, worker: Worker) -> WorkerState:
        """Return what can be said of `worker` now."""
        return worker.state(self._clock.now(), self._lease_seconds)

    async def check(self) -> str | None:
        """Return why no job can run, or None."""
        states = {state for _, state in await self.list()}
        if states & {WorkerState.CONNECTED, WorkerState.DRAINING}:
            return None
        return "No worker is connected, so jobs wait. Start one with `tidemill worker`."

    async def waiting_for(
        self,
        tag: str,
        isolation: str,
        wanted: Requires = NOTHING,
        *,
        function: str | None = None,
    ) -> str | None:
        """Return what a ready job of this tag and isolation waits for besides its turn."""

        def use_case(tx: Tx) -> tuple[list[Worker], Called | None]:
            if function is not None:
                called = Called(function, self._workers.having(tx, function))
            else:
                called = None
            return self._workers.all(tx), called

        workers, called = await self._jobs.read(INSTALLATION, use_case)
        return waiting_for(
            workers,
            (tag, isolation),
            wanted,
            now=self._clock.now(),
            lease_seconds=self._lease_seconds,
            called=called,
        )

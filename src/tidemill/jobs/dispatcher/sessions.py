"""The conversation with one worker: what it holds, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from tidemill.jobs.dispatcher.models import Demand
from tidemill.jobs.errors import FunctionNotFound
from tidemill.jobs.functions.models import lane_of
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Held,
    Hello,
    OutcomesTaken,
    Settings,
    ToWorker,
)
from tidemill.jobs.queue.claims import Claimed

messages_per_batch_max: Final = 200
assign_bytes_max: Final = 1024 * 1024
"""What jobs together may bring in one message; a single one may bring more."""
_utf8_bytes_max: Final = 4


def lanes_of(hello: Hello) -> tuple[str, ...]:
    """Return the isolations that a worker offers, and the lanes of its functions."""
    lanes = sorted({lane_of(function.name) for function in hello.functions})
    return (*(str(isolation) for isolation in hello.isolations), *lanes)


class Session:
    """A registered worker that is connected here."""

    def __init__(self, connection: DispatcherConnection, hello: Hello, generation: int) -> None:
        self.connection = connection
        self.worker_id = hello.worker_id
        self.generation = generation
        self.slots = hello.slots
        self.tags = hello.tags
        self.functions = frozenset(function.name for function in hello.functions)
        self.isolations = lanes_of(hello)
        self.held: dict[str, Claimed] = {}
        self.draining = False
        self._cancelled: set[tuple[str, int]] = set()

    @property
    def free(self) -> int:
        """Return how many jobs it can take."""
        if self.draining or self.connection.closed:
            return 0
        return max(0, self.slots - len(self.held))

    def demand(self, slots: int) -> Demand:
        """Return its wish for up to `slots` jobs."""
        return Demand(
            worker_id=self.worker_id,
            generation=self.generation,
            slots=min(slots, self.free),
            tags=self.tags,
            isolations=self.isolations,
        )

    def check_function(self, name: str) -> None:
        """Raise `FunctionNotFound` when the worker has no such function."""
        if name not in self.functions:
            raise FunctionNotFound(name, None)

    def holds(self, job_id: str, epoch: int) -> Claimed | None:
        """Return the job when the worker holds it under this epoch."""
        job = self.held.get(job_id)
        return job if job is not None and job.epoch == epoch else None

    def assign(self, assignments: Iterable[Assignment]) -> None:
        """Send jobs; when the worker has gone, it will not hold them when it returns."""
        batch: list[Assignment] = []
        size = 0
        for assignment in assignments:
            length = len(assignment.content) * _utf8_bytes_max + len(assignment.arguments)
            if batch and size + length > assign_bytes_max:
                self._send(Assign(jobs=tuple(batch)))
                batch, size = [], 0
            batch.append(assignment)
            size += length
        if batch:
            self._send(Assign(jobs=tuple(batch)))

    def cancel(self, job_id: str, epoch: int) -> None:
        """Ask for the end of a job, once."""
        if self.holds(job_id, epoch) is not None and (job_id, epoch) not in self._cancelled:
            self._cancelled.add((job_id, epoch))
            self._send(Cancel(job_id=job_id, epoch=epoch))

    def tell_settings(self, values: Mapping[str, Any]) -> None:
        """Say what is stored of the installation's settings."""
        self._send(Settings(values=dict(values)))

    def taken(self, outcomes: Iterable[Held]) -> None:
        """Say that outcomes are durable, or of no use any more."""
        held = tuple(outcomes)
        self._cancelled.difference_update((one.job_id, one.epoch) for one in held)
        self._send(OutcomesTaken(jobs=held))

    def _send(self, message: ToWorker) -> None:
        with suppress(ConnectionLost):
            self.connection.send_soon(message)

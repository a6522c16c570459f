"""The conversation with one worker: what it holds, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from tidemill.core.clock import Instant
from tidemill.jobs.code.functions.models import lane_of
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.admission import EVERYTHING, Rights
from tidemill.jobs.dispatching.dispatcher.models import Demand
from tidemill.jobs.errors import FunctionNotFound
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import (
    Assign,
    Assignment,
    Cancel,
    Drain,
    Held,
    Hello,
    OutcomesTaken,
    Settings,
    Token,
    TokenWanted,
    ToWorker,
)
from tidemill.jobs.queueing.queue.breakdown import TagSlots
from tidemill.jobs.queueing.queue.claims import Claimed, claimed
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.strategies.placing import Seat
from tidemill.jobs.requirements.models import Machine, requires_of

messages_per_batch_max: Final = 200
assign_bytes_max: Final = 1024 * 1024
"""What jobs together may bring in one message; a single one may bring more."""
untaken_frames_max: Final = 10_000
"""Far more than a worker that listens leaves waiting; one that does not is given up."""
silent_beats_max: Final = 1.5
"""After so many intervals without a heartbeat a worker that comes again is believed."""
_utf8_bytes_max: Final = 4
short_microseconds_max: Final = 20_000
"""Jobs that take no longer than this are short: who has some ahead does not have them for long."""
ahead_microseconds_max: Final = 50_000
"""For how long, at their pace, those ahead may have to wait for a slot."""
ahead_jobs_max: Final = 1_000
_UNBEGUN: Final = (0, None)
_pace_first: Final = 1_000_000.0
_pace_share: Final = 1 / 32


def lanes_of(hello: Hello) -> tuple[str, ...]:
    """Return the isolations that a worker offers, and the lanes of its functions."""
    lanes = sorted({lane_of(function.name) for function in hello.functions})
    return (*(str(isolation) for isolation in hello.isolations), *lanes)


def machine_of(hello: Hello) -> Machine:
    """Return what a worker says that its machine offers."""
    return Machine(cpu=hello.cpu, memory_mib=hello.memory_mib, labels=frozenset(hello.labels))


def slots_by_tag(sessions: Iterable[Session]) -> list[TagSlots]:
    """Return the slots of connected workers by the tags that they take."""
    found: dict[str, tuple[int, int]] = {}
    for session in sessions:
        for tag in session.tags:
            slots, taken = found.get(tag, (0, 0))
            # What it has ahead takes no slot yet.
            held = min(session.slots, len(session.held))
            found[tag] = (slots + session.slots, taken + held)
    return [TagSlots(tag, *numbers) for tag, numbers in sorted(found.items())]


class Session:
    """A registered worker that is connected here."""

    def __init__(
        self,
        connection: DispatcherConnection,
        hello: Hello,
        generation: int,
        rights: Rights = EVERYTHING,
    ) -> None:
        self.connection = connection
        self.worker_id = hello.worker_id
        self.process = hello.process
        self.generation = generation
        self.slots = hello.slots
        self.tags = hello.tags
        self.functions = frozenset(function.name for function in hello.functions)
        self.isolations = lanes_of(hello)
        self.machine = machine_of(hello)
        self.held: dict[str, Claimed] = {}
        self.draining = self.noted_draining = False
        self.rights = rights
        self.heard_at = asyncio.get_running_loop().time()
        self._cancelled: set[tuple[str, int]] = set()
        self._begun: dict[str, tuple[int, Instant]] = {}
        self.drained = False
        self._left = False
        self._ahead_max = min(max(0, hello.ahead), ahead_jobs_max)
        self._pace = _pace_first

    @property
    def free(self) -> int:
        """Return how many jobs it can take."""
        if self.draining or self.drained or self.connection.closed:
            return 0
        return max(0, self.slots - len(self.held))

    @property
    def room(self) -> int:
        """Return how many jobs it can have, with those ahead of a free slot while jobs are short.

        Never more than it has slots, or takes ahead: the next batch is claimed while it runs this
        one.
        """
        if self._ahead_max == 0 or self._pace > short_microseconds_max:
            return self.free
        if self.draining or self.drained or self.connection.closed:
            return 0
        soon = int(self.slots * ahead_microseconds_max / max(1.0, self._pace))
        ahead = min(self._ahead_max, soon)
        return min(max(self.slots, ahead), max(0, self.slots + ahead - len(self.held)))

    @property
    def brisk(self) -> int:
        """Return how many jobs it has while they are short, and some of them wait for a slot."""
        waits = len(self.held) > self.slots and self._pace <= short_microseconds_max
        return len(self.held) if waits else 0

    def is_silent(self, heartbeat_seconds: float) -> bool:
        """Return whether its connection looks alive, and nothing was heard for too long."""
        silent = asyncio.get_running_loop().time() - self.heard_at
        return silent >= silent_beats_max * heartbeat_seconds

    def ran(self, microseconds: int | None) -> None:
        """Note how long a job took; None when it was given back, so that it waited for long."""
        if microseconds is None:
            self._pace = _pace_first
        else:
            self._pace += (microseconds - self._pace) * _pace_share

    def demand(self, slots: int, *, seated: bool = False) -> Demand:
        """Return its wish for up to `slots` jobs; `seated` with what of its machine is taken."""
        return Demand(
            worker_id=self.worker_id,
            generation=self.generation,
            slots=min(slots, self.free if seated else self.room),
            tags=self.tags,
            isolations=self.isolations,
            tenants=self.rights.tenants,
            functions=self.functions,
            seat=self._seat(min(slots, self.free)) if seated else None,
        )

    def _seat(self, free: int) -> Seat:
        taken = [requires_of(job.spec.requires) for job in self.held.values()]
        tenants = self.rights.tenants
        return Seat(
            worker_id=self.worker_id,
            isolations=frozenset(self.isolations),
            slots=self.slots,
            held=len(self.held),
            free=free,
            machine=self.machine,
            cpu_used=sum(one.cpu for one in taken),
            memory_mib_used=sum(one.memory_mib for one in taken),
            tenants=None if tenants is None else frozenset(tenants),
            functions=self.functions,
        )

    def check_function(self, name: str) -> None:
        """Raise `FunctionNotFound` when the worker has no such function."""
        if name not in self.functions:
            raise FunctionNotFound(name, None)

    def holds(self, job_id: str, epoch: int) -> Claimed | None:
        """Return the job when the worker holds it under this epoch."""
        job = self.held.get(job_id)
        return job if job is not None and job.epoch == epoch else None

    def begins(self, job_id: str, epoch: int, *, now: Instant) -> Claimed | None:
        """Return the job that begins; None when the worker does not hold it or has said so."""
        job = self.holds(job_id, epoch)
        if job is None or self.has_begun(job):
            return None
        self._begun[job_id] = (epoch, now)
        return job

    def has_begun(self, job: Claimed) -> bool:
        """Return whether the worker has said that it began; of a short job it says only its end."""
        return self.began_at(job) is not None

    def began_at(self, job: Claimed) -> Instant | None:
        """Return when the worker has said that it began."""
        epoch, at = self._begun.get(job.id, _UNBEGUN)
        return at if epoch == job.epoch else None

    def keep(self, jobs: Sequence[Job]) -> None:
        """Take over what the worker held on its last connection, and said of it."""
        self.held = {job.id: claimed(job) for job in jobs}
        self._begun = {
            job.id: (job.epoch, job.started_at or job.due_at)
            for job in jobs
            if job.state is JobState.RUNNING
        }

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

    def order_drain(self, leaves: bool | None) -> None:
        """Give it nothing more, and let it go when it `leaves`; None is to give it jobs again."""
        self.drained = leaves is not None
        if leaves and not self._left:
            self._left = True
            self._send(Drain())

    def tell_settings(self, values: Mapping[str, Any]) -> None:
        """Say what is stored of the installation's settings, as far as it is the worker's business.

        A worker of another machine needs to know its level of logs, and no more.
        """
        if self.rights.token_id is not None:
            values = {name: value for name, value in values.items() if name.startswith("log.")}
        self._send(Settings(values=dict(values)))

    def tell_token(self, wanted: TokenWanted, token: str) -> None:
        """Give a job the token that it has asked for."""
        self._send(Token(job_id=wanted.job_id, epoch=wanted.epoch, token=token))

    def taken(self, outcomes: Iterable[Held]) -> None:
        """Say that outcomes are durable, or of no use any more."""
        held = tuple(outcomes)
        self._cancelled.difference_update((one.job_id, one.epoch) for one in held)
        for one in held:
            self._begun.pop(one.job_id, None)
        self._send(OutcomesTaken(jobs=held))

    def _send(self, message: ToWorker) -> None:
        if self.connection.untaken > untaken_frames_max:
            self.connection.abort("The worker takes nothing of what it is told.")
        with suppress(ConnectionLost):
            self.connection.send_soon(message)

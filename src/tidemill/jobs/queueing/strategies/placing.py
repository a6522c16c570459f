"""Which worker gets which job; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.jobs.queueing.strategies.affinity import owner
from tidemill.jobs.queueing.strategies.models import Strategy, WorkerRule
from tidemill.jobs.queueing.strategies.ordering import Candidate
from tidemill.jobs.requirements.models import Machine, Requires

_slack: Final = 1e-9
"""What sums of fractions of a core may be off by."""


class Seat(Struct, frozen=True, kw_only=True):
    """A connected worker: what it takes, what it holds, and what of its machine is taken.

    `free` is how many more jobs it may get now, which may be fewer than its slots allow. Where
    `tenants` are named it takes jobs of these alone, and so it is with `functions`.
    """

    worker_id: str
    isolations: frozenset[str]
    slots: int
    held: int
    free: int
    machine: Machine = Machine()
    cpu_used: float = 0.0
    memory_mib_used: int = 0
    tenants: frozenset[str] | None = None
    functions: frozenset[str] | None = None

    @property
    def load(self) -> float:
        """Return the share of its slots that is taken."""
        return self.held / max(1, self.slots)

    def fits(self, wanted: Requires) -> bool:
        """Return whether `wanted` can be given besides what is taken."""
        return not self.missing(wanted) and self.machine.labels.issuperset(wanted.labels)

    def missing(self, wanted: Requires) -> float:
        """Return how much of `wanted` is not there now, in shares of the machine; 0 for nothing."""
        machine = self.machine
        cpu = 0.0 if machine.cpu is None else wanted.cpu + self.cpu_used - machine.cpu
        memory = (
            0
            if machine.memory_mib is None
            else wanted.memory_mib + self.memory_mib_used - machine.memory_mib
        )
        missing = cpu / max(machine.cpu or 1, _slack) if cpu > _slack else 0.0
        return missing + (memory / max(machine.memory_mib or 1, 1) if memory > 0 else 0.0)

    def room(self) -> float:
        """Return the share of the machine that is left, of CPU and memory together."""
        machine = self.machine
        cpu = 1.0 if not machine.cpu else 1 - self.cpu_used / machine.cpu
        memory = 1.0 if not machine.memory_mib else 1 - self.memory_mib_used / machine.memory_mib
        return cpu + memory

    def taking(self, wanted: Requires) -> Seat:
        """Return the worker with one more job."""
        return structs.replace(
            self,
            held=self.held + 1,
            free=self.free - 1,
            cpu_used=self.cpu_used + wanted.cpu,
            memory_mib_used=self.memory_mib_used + wanted.memory_mib,
        )

    def leaving(self, wanted: Requires) -> Seat:
        """Return the worker with one job less."""
        return structs.replace(
            self,
            held=self.held - 1,
            free=self.free + 1,
            cpu_used=self.cpu_used - wanted.cpu,
            memory_mib_used=self.memory_mib_used - wanted.memory_mib,
        )


class Present(Struct, frozen=True, kw_only=True):
    """A worker that is connected somewhere, maybe to another dispatcher."""

    worker_id: str
    isolations: frozenset[str]
    slots: int
    machine: Machine


class Placement(Struct, frozen=True, kw_only=True):
    """Who gets what, and for whom there was no room.

    `stuck` are specifications whose jobs fit on no free worker now, `waiting` are the affinity
    keys (tenant, key) whose worker is busy. `cursor` is the worker that was served last.
    """

    given: Sequence[tuple[Candidate, str]]
    seats: Mapping[str, Seat]
    cursor: str
    stuck: frozenset[int] = frozenset()
    waiting: frozenset[tuple[str, str]] = frozenset()


class Table:
    """The free seats of one tag, while its jobs are placed one after the other."""

    def __init__(self, strategy: Strategy, seats: Mapping[str, Seat], cursor: str) -> None:
        self._strategy = strategy
        # The least busy comes first, as it is when nobody chooses.
        self.seats = dict(sorted(seats.items(), key=lambda pair: (pair[1].load, pair[0])))
        self.cursor = cursor
        self._reserved: set[str] = set()

    @property
    def full(self) -> bool:
        """Return whether nobody takes anything more."""
        return all(
            seat.free <= 0 or worker in self._reserved for worker, seat in self.seats.items()
        )

    def choose(self, candidate: Candidate) -> Seat | None:
        """Return the worker for a job that has no worker of its own; None when it fits nowhere."""
        fitting = [
            seat
            for worker, seat in self.seats.items()
            if worker not in self._reserved and _takes(seat, candidate)
        ]
        return _PICK[self._strategy.workers](fitting, candidate, self.cursor) if fitting else None

    def seat(self, worker_id: str, candidate: Candidate) -> Seat | None:
        """Return this worker when it can take the job now."""
        seat = self.seats.get(worker_id)
        if seat is None or worker_id in self._reserved or not _takes(seat, candidate):
            return None
        return seat

    def reserve(self, candidate: Candidate) -> None:
        """Keep a worker free for a job that waited too long: the one where least is missing."""
        able = [
            seat
            for seat in self.seats.values()
            if _may_take(seat, candidate)
            and seat.machine.could_run(candidate.requires)
            and seat.worker_id not in self._reserved
        ]
        if able:
            best = min(able, key=lambda seat: (seat.missing(candidate.requires), seat.worker_id))
            self._reserved.add(best.worker_id)

    def give(self, candidate: Candidate, seat: Seat) -> None:
        """Let `seat` take a job."""
        self.seats[seat.worker_id] = seat.taking(candidate.requires)
        self.cursor = seat.worker_id


def place(
    candidates: Iterable[Candidate],
    seats: Mapping[str, Seat],
    strategy: Strategy,
    present: Sequence[Present],
    *,
    now: int,
    cursor: str = "",
) -> Placement:
    """Return which of `candidates`, in this order, goes to which of `seats`.

    `present` are all workers that take the tag, here and at other dispatchers.
    """
    table = Table(strategy, seats, cursor)
    given: list[tuple[Candidate, str]] = []
    stuck: set[int] = set()
    waiting: set[tuple[str, str]] = set()
    for candidate in candidates:
        if table.full:
            break
        key = candidate.shared_key
        if candidate.spec_id in stuck or key in waiting:
            # One that comes later never passes one of its kind.
            continue
        waited = now - candidate.due_at
        seat, waits = _chosen(table, candidate, strategy, present, waited)
        if waits and key is not None:
            waiting.add(key)
        elif seat is None:
            stuck.add(candidate.spec_id)
            if waited >= strategy.reserve_seconds * MICROSECONDS_PER_SECOND:
                table.reserve(candidate)
        else:
            table.give(candidate, seat)
            given.append((candidate, seat.worker_id))
    return Placement(
        given=given,
        seats=table.seats,
        cursor=table.cursor,
        stuck=frozenset(stuck),
        waiting=frozenset(waiting),
    )


def owner_of(
    candidate: Candidate, present: Iterable[Present], seats: Mapping[str, Seat]
) -> str | None:
    """Return the worker to which the job's affinity key belongs, of those that could run it."""
    if candidate.affinity_key is None:
        return None
    able = {
        worker.worker_id: worker.slots
        for worker in present
        if candidate.isolation in worker.isolations
        and worker.machine.could_run(candidate.requires)
        and (worker.worker_id not in seats or _may_take(seats[worker.worker_id], candidate))
    }
    return owner(candidate.affinity_key, able)


def _chosen(
    table: Table,
    candidate: Candidate,
    strategy: Strategy,
    present: Sequence[Present],
    waited: int,
) -> tuple[Seat | None, bool]:
    """Return the worker of a job, and whether it waits for its own one instead."""
    if strategy.workers is WorkerRule.AFFINITY:
        own = owner_of(candidate, present, table.seats)
        if own is not None:
            seat = table.seat(own, candidate)
            if seat is not None:
                return seat, False
            if waited < strategy.affinity_wait_seconds * MICROSECONDS_PER_SECOND:
                return None, True
    return table.choose(candidate), False


def _takes(seat: Seat, candidate: Candidate) -> bool:
    return seat.free > 0 and _may_take(seat, candidate) and seat.fits(candidate.requires)


def _may_take(seat: Seat, candidate: Candidate) -> bool:
    ours = seat.tenants is None or candidate.tenant_id in seat.tenants
    name = candidate.function
    known = name is None or seat.functions is None or name in seat.functions
    return ours and known and candidate.isolation in seat.isolations


def _first_free(seats: Sequence[Seat], candidate: Candidate, cursor: str) -> Seat:
    del candidate, cursor
    return seats[0]


def _round_robin(seats: Sequence[Seat], candidate: Candidate, cursor: str) -> Seat:
    del candidate
    by_name = sorted(seats, key=lambda seat: seat.worker_id)
    return next((seat for seat in by_name if seat.worker_id > cursor), by_name[0])


def _least_loaded(seats: Sequence[Seat], candidate: Candidate, cursor: str) -> Seat:
    del candidate, cursor
    return min(seats, key=lambda seat: (seat.load, seat.worker_id))


def _tightest(seats: Sequence[Seat], candidate: Candidate, cursor: str) -> Seat:
    """Prefer workers without labels that the job does not ask for, then those with least left."""
    del cursor
    wanted = candidate.requires

    def rank(seat: Seat) -> tuple[int, float, float, str]:
        unused = len(seat.machine.labels.difference(wanted.labels))
        return unused, seat.room(), seat.load, seat.worker_id

    return min(seats, key=rank)


_PICK: Final = {
    WorkerRule.FIRST_FREE: _first_free,
    WorkerRule.ROUND_ROBIN: _round_robin,
    WorkerRule.LEAST_LOADED: _least_loaded,
    WorkerRule.AFFINITY: _least_loaded,
    WorkerRule.RESOURCE_AWARE: _tightest,
}

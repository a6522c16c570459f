"""A queue and its workers in miniature: events in order of time, on the rules that ship."""

from __future__ import annotations

import heapq
import random
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.queueing.queue.models import order_key
from tidemill.jobs.queueing.strategies.models import OrderRule, Strategy
from tidemill.jobs.queueing.strategies.ordering import Candidate, Shares, ordered
from tidemill.jobs.queueing.strategies.placing import Present, Seat, place
from tidemill.jobs.requirements.models import NOTHING, Machine, Requires

SANDBOX: Final = frozenset({"sandbox"})
SECOND: Final = MICROSECONDS_PER_SECOND
ageing_seconds: Final = 60
window: Final = 60


class Start:
    """That a job began: when, where, and what ran beside it."""

    def __init__(self, job: Candidate, worker: str, at: int) -> None:
        self.job, self.worker, self.at = job, worker, at

    @property
    def waited_seconds(self) -> float:
        return (self.at - self.job.due_at) / SECOND


class Simulation:
    """Jobs come and end by the clock of the simulation; each event is followed by a turn."""

    def __init__(
        self,
        strategy: Strategy,
        workers: Mapping[str, int],
        *,
        machines: Mapping[str, Machine] | None = None,
        weights: Mapping[str, int] | None = None,
        run_seconds: Callable[[Candidate], float] = lambda job: 1.0,
    ) -> None:
        self.strategy = strategy
        self.weights = weights or {}
        self.starts: list[Start] = []
        self.loads: list[Mapping[str, float]] = []
        self._run_seconds = run_seconds
        self.seats = {
            name: Seat(
                worker_id=name,
                isolations=SANDBOX,
                slots=slots,
                held=0,
                free=slots,
                machine=(machines or {}).get(name, Machine()),
            )
            for name, slots in workers.items()
        }
        self._ready: dict[str, list[Candidate]] = {}
        self._shares, self._cursor = Shares(), ""
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._numbers = count()

    def at(self, seconds: float, event: Callable[[int], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._events, (int(seconds * SECOND), next(self._numbers), event))

    def a_job(
        self,
        seconds: float,
        *,
        tenant: str = "a",
        priority: int = 0,
        requires: Requires = NOTHING,
        key: str | None = None,
    ) -> None:
        """Let a job come."""
        number = next(self._numbers)
        due_at = int(seconds * SECOND)
        job = Candidate(
            tenant_id=tenant,
            id=str(number),
            position=number,
            order_key=order_key(Instant(due_at), priority, ageing_seconds),
            due_at=due_at,
            isolation="sandbox",
            spec_id=hash((tenant, priority, requires)),
            requires=requires,
            affinity_key=key,
        )

        def come(now: int) -> None:
            insort(self._ready.setdefault(job.tenant_id, []), job, key=lambda one: one.place)

        self.at(seconds, come)

    def lose(self, seconds: float, worker: str) -> None:
        """Let a worker go, when it has ended what it holds."""

        def go(now: int) -> None:
            del self.seats[worker]

        self.at(seconds, go)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = int(seconds * SECOND)
        while self._events and self._events[0][0] <= end:
            now = self._events[0][0]
            while self._events and self._events[0][0] == now:
                heapq.heappop(self._events)[2](now)
            self._turn(now)

    def _turn(self, now: int) -> None:
        rule = self.strategy.order
        # As a dispatcher does: it looks at the first jobs of each tenant.
        waiting = [job for jobs in self._ready.values() for job in jobs[:window]]
        present = [
            Present(worker_id=s.worker_id, isolations=SANDBOX, slots=s.slots, machine=s.machine)
            for s in self.seats.values()
        ]
        placement = place(
            ordered(rule, waiting, self._shares, self.weights),
            self.seats,
            self.strategy,
            present,
            now=now,
            cursor=self._cursor,
        )
        if rule is OrderRule.FAIR_SHARE:
            tenants = {job.tenant_id for job in waiting}
            given = [job for job, _ in placement.given]
            self._shares = self._shares.after(given, tenants, self.weights)
        self._cursor = placement.cursor
        self.seats = dict(placement.seats)
        for job, worker in placement.given:
            self._ready[job.tenant_id].remove(job)
            self.starts.append(Start(job, worker, now))
            seconds = now / SECOND + self._run_seconds(job)
            self.at(seconds, self._ender(job, worker))
        self.loads.append({name: seat.load for name, seat in self.seats.items()})

    def _ender(self, job: Candidate, worker: str) -> Callable[[int], None]:
        def end(now: int) -> None:
            seat = self.seats.get(worker)
            if seat is not None:
                self.seats[worker] = seat.leaving(job.requires)

        return end


def shares(starts: Iterable[Start]) -> Mapping[str, float]:
    """Return which part of the starts each tenant had."""
    counts = Counter(start.job.tenant_id for start in starts)
    return {tenant: number / counts.total() for tenant, number in counts.items()}


def chance(seed: int) -> random.Random:
    """Return a source of chance that gives the same each time."""
    return random.Random(seed)  # noqa: S311 - chance of a simulation

"""What a turn of the dispatcher takes and gives, and how lanes share it; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, structs

from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Ending, Job
from tidemill.jobs.queueing.strategies.placing import Seat

Lane = tuple[str, str, str]
"""Tag, isolation and tenant: whose ready jobs are taken in order."""

lanes_per_look_max: Final = 64


class Ended(Struct, frozen=True, gc=False):
    """The end of an attempt, by whom it was held; see `Claimed` for its position."""

    tenant_id: str
    id: str
    epoch: int
    ending: Ending
    position: int = 0

    @property
    def state(self) -> JobState:
        """Return the state that a final ending leaves."""
        if self.ending.verdict is None:
            raise ValueError(f"The job {self.id} was not brought to an end.")
        return self.ending.verdict

    @property
    def plain(self) -> bool:
        """Return whether nothing of the job has to be read to know how it ends."""
        return self.ending.verdict is JobState.SUCCEEDED


class Begun(Struct, frozen=True, gc=False):
    """The begin of an attempt's own code."""

    tenant_id: str
    id: str
    epoch: int
    started_at: int


class Demand(Struct, frozen=True, kw_only=True):
    """What one worker can take now; of every tenant, unless some are named.

    It has registered these `functions`; None where that is not asked. The `seat` says more of it,
    for tags whose strategy chooses among workers.
    """

    worker_id: str
    generation: int
    slots: int
    tags: tuple[str, ...]
    isolations: tuple[str, ...]
    tenants: tuple[str, ...] | None = None
    functions: frozenset[str] | None = None
    seat: Seat | None = None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return each (tag, isolation) that the worker takes."""
        return tuple((tag, isolation) for tag in self.tags for isolation in self.isolations)

    def has(self, function: str | None) -> bool:
        """Return whether the worker can run a job that calls `function`, or none."""
        return function is None or self.functions is None or function in self.functions


class Ring(Struct, frozen=True):
    """Where the round over the lanes of each (tag, isolation) stands.

    `after` is the tenant that was served last, `owed` what is left of its weight: weighted
    deficit round robin, in which every job costs one.
    """

    after: Mapping[tuple[str, str], str] = {}
    owed: Mapping[Lane, int] = {}

    def position(self, tag: str, isolation: str) -> str:
        """Return the tenant after which the next look begins; its own lane comes once more."""
        return self.after.get((tag, isolation), "")

    def shares(
        self, lanes: Sequence[Lane], weights: Mapping[Lane, int], capacity: int
    ) -> tuple[list[tuple[Lane, int]], Ring]:
        """Return how much of `capacity` each lane may take in one round, and the ring after it.

        `lanes` are in the order of the round, all of one (tag, isolation).
        """
        given: list[tuple[Lane, int]] = []
        after, owed = dict(self.after), dict(self.owed)
        for lane in lanes:
            if capacity <= 0:
                break
            due = owed.pop(lane, 0) or max(1, weights.get(lane, 1))
            share = min(due, capacity)
            capacity -= share
            given.append((lane, share))
            if due > share:
                owed[lane] = due - share
            else:
                after[lane[:2]] = lane[2]
        return given, structs.replace(self, after=after, owed=owed)


class Turn(Struct, frozen=True, kw_only=True):
    """What one transaction of the dispatcher did. `claimed` is by worker.

    `again` says that more could be claimed at once.
    """

    ended: Sequence[Job | Ended] = ()
    claimed: Mapping[str, Sequence[Claimed]] = {}
    ring: Ring
    next_due_at: Instant | None = None
    limits_due: bool = False
    again: bool = False


class Look(NamedTuple):
    """The beats of workers that hold jobs, the held jobs that shall end, and what waits.

    `drained` names the workers that shall take nothing more, and whether they shall leave then.
    """

    beats: Mapping[str, tuple[int, int]]
    cancels: Sequence[tuple[str, int]]
    next_due_at: Instant | None
    has_ready: bool
    drained: Mapping[str, bool]


class Leases:
    """How long ago each worker gave a sign of life, on a clock that never goes back.

    A worker that is seen for the first time, and so each one after a start, has a full lease ahead.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def expired(
        self, beats: Mapping[str, tuple[int, int]], *, now: float, lease_seconds: float
    ) -> list[str]:
        """Return the workers whose lease has run out; `beats` are generation and beat of each."""
        self._seen = {worker: seen for worker, seen in self._seen.items() if worker in beats}
        lost = []
        for worker, beat in beats.items():
            known = self._seen.get(worker)
            if known is None or known[0] != beat:
                self._seen[worker] = (beat, now)
            elif now - known[1] > lease_seconds:
                lost.append(worker)
        return lost

    def heard_elsewhere(self, until: float) -> None:
        """Let no lease begin before `until`: what was said till then may not be known here."""
        self._seen = {one: (beat, max(at, until)) for one, (beat, at) in self._seen.items()}

    def forget(self) -> None:
        """Give every worker a full lease from the next look on."""
        self._seen.clear()


class Registered(Struct, frozen=True, kw_only=True):
    """A worker's registration: its generation, and what became of its jobs."""

    generation: int
    drained: bool = False
    kept: Sequence[Job] = ()
    rescued: Sequence[Job] = ()

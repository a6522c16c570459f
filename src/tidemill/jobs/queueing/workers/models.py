"""Workers as the queue knows them; no I/O."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.requirements.models import Machine, Requires


class WorkerState(StrEnum):
    """What can be said of a worker."""

    CONNECTED = "connected"
    DRAINING = "draining"
    LOST = "lost"
    """It was silent for longer than its lease."""
    LEFT = "left"


class Worker(Struct, frozen=True):
    """A registered worker; the fields are in the order of the repository's columns."""

    id: str
    host: str
    slots: int
    tags: tuple[str, ...]
    isolations: tuple[str, ...]
    generation: int
    beat: int
    resident_bytes: int
    connected_at: Instant
    seen_at: Instant
    draining_at: Instant | None
    left_at: Instant | None
    machine: Machine = Machine()
    drain_requested_at: Instant | None = None
    drain_generation: int | None = None
    jobs: int = 0

    @property
    def must_drain(self) -> bool:
        """Return whether a person has ordered that it takes nothing more."""
        if self.drain_requested_at is None:
            return False
        return self.drain_generation in {None, self.generation}

    def state(self, now: Instant, lease_seconds: float) -> WorkerState:
        """Return what can be said of it at `now`."""
        if self.left_at is not None:
            return WorkerState.LEFT
        if now - self.seen_at > lease_seconds * MICROSECONDS_PER_SECOND:
            return WorkerState.LOST
        drains = self.draining_at is not None or self.must_drain
        return WorkerState.DRAINING if drains else WorkerState.CONNECTED

    def serves(self, tag: str, isolation: str) -> bool:
        """Return whether it takes jobs of this tag and isolation."""
        return tag in self.tags and isolation in self.isolations


class Registration(Struct, frozen=True, kw_only=True):
    """What a worker says of itself; `functions` by their names, `process` is one start of it."""

    id: str
    host: str
    slots: int
    tags: tuple[str, ...]
    isolations: tuple[str, ...]
    machine: Machine = Machine()
    functions: tuple[str, ...] = ()
    process: str = ""


class Beat(Struct, frozen=True):
    """A sign of life."""

    worker_id: str
    generation: int
    resident_bytes: int


class Called(Struct, frozen=True):
    """A function that a job calls, and the ids of workers that may have registered it."""

    name: str
    having: Collection[str]


named_max: Final = 3
"""How many draining workers are named."""
_NOBODY: Final = "No worker is connected. Start one with `tidemill worker{app}`."
_ALL_DRAIN: Final = "Every worker drains. Let one go on with `tidemill workers resume`."


def waiting_for(
    workers: list[Worker],
    lane: tuple[str, str],
    wanted: Requires,
    *,
    now: Instant,
    lease_seconds: float,
    called: Called | None = None,
) -> str | None:
    """Return what a ready job waits for besides its turn, or None."""
    tag, isolation = lane
    there = [w for w in workers if w.state(now, lease_seconds) is WorkerState.CONNECTED]
    if not there:
        drains = any(w.state(now, lease_seconds) is WorkerState.DRAINING for w in workers)
        nobody = _NOBODY.format(app=" --app MODULE" if ":" in isolation else "")
        return _ALL_DRAIN if drains else nobody
    if not any(worker.serves(tag, isolation) for worker in there):
        able = [worker for worker in workers if worker.serves(tag, isolation)]
        leaving = [w.id for w in able if w.state(now, lease_seconds) is WorkerState.DRAINING]
        return _draining(leaving) if leaving else _not_served(tag, isolation, there)
    if not any(w.serves(tag, isolation) and w.machine.could_run(wanted) for w in there):
        return f"No connected worker with the tag {tag!r} has {wanted.told}."
    if called and not any(w.serves(tag, isolation) and w.id in called.having for w in there):
        return (
            f"No connected worker with the tag {tag!r} has registered {called.name}, though others "
            "of its package; start one of a release that has it with `tidemill worker --app`."
        )
    return None


def _not_served(tag: str, isolation: str, there: list[Worker]) -> str:
    tagged = [worker for worker in there if tag in worker.tags]
    if not tagged:
        return f"No connected worker takes jobs with the tag {tag!r} (worker.tags)."
    kind, _, package = isolation.partition(":")
    if package:
        return (
            f"No connected worker with the tag {tag!r} has registered a {kind} of {package}; "
            "start one with `tidemill worker --app`."
        )
    return _not_isolated(tag, isolation, tagged)


def _draining(names: list[str]) -> str:
    named = ", ".join(names[:named_max]) + (", …" if len(names) > named_max else "")
    verb = "is" if len(names) == 1 else "are"
    return (
        f"{named} {verb} draining, and no other connected worker takes this job. "
        "Let one go on with `tidemill workers resume`."
    )


def _not_isolated(tag: str, isolation: str, tagged: list[Worker]) -> str:
    offered = {level for worker in tagged for level in worker.isolations if ":" not in level}
    told = f"No connected worker with the tag {tag!r} offers isolation '{isolation}'"
    if not offered:
        return f"{told}; `tidemill doctor` on their machine says why."
    consent = ", or let the operator set jobs.isolation_default to 'fork': trust in every script"
    return (
        f"{told}, only {', '.join(sorted(offered))}. Start one that does; `tidemill doctor` says "
        f"what its machine offers{consent if 'fork' in offered else ''}."
    )

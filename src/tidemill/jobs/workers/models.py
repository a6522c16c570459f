"""Workers as the queue knows them; no I/O."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant


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
    jobs: int = 0

    def state(self, now: Instant, lease_seconds: float) -> WorkerState:
        """Return what can be said of it at `now`."""
        if self.left_at is not None:
            return WorkerState.LEFT
        if now - self.seen_at > lease_seconds * MICROSECONDS_PER_SECOND:
            return WorkerState.LOST
        return WorkerState.CONNECTED if self.draining_at is None else WorkerState.DRAINING

    def serves(self, tag: str, isolation: str) -> bool:
        """Return whether it takes jobs of this tag and isolation."""
        return tag in self.tags and isolation in self.isolations


class Registration(Struct, frozen=True, kw_only=True):
    """What a worker says of itself."""

    id: str
    host: str
    slots: int
    tags: tuple[str, ...]
    isolations: tuple[str, ...]


class Beat(Struct, frozen=True):
    """A sign of life."""

    worker_id: str
    generation: int
    resident_bytes: int


def waiting_for(
    workers: list[Worker], tag: str, isolation: str, *, now: Instant, lease_seconds: float
) -> str | None:
    """Return what a ready job waits for besides its turn, or None."""
    there = [w for w in workers if w.state(now, lease_seconds) is WorkerState.CONNECTED]
    if not there:
        return "No worker is connected. Start one with `tidemill worker`."
    tagged = [worker for worker in there if tag in worker.tags]
    if not tagged:
        return f"No connected worker takes jobs with the tag {tag!r} (worker.tags)."
    if not any(worker.serves(tag, isolation) for worker in tagged):
        kind, _, package = isolation.partition(":")
        if package:
            return (
                f"No connected worker with the tag {tag!r} has registered a {kind} of {package}; "
                "start one with `tidemill worker --app`."
            )
        return (
            f"No connected worker with the tag {tag!r} offers isolation {isolation!r}; "
            "`tidemill doctor` says why."
        )
    return None

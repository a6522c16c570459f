"""What metrics show of jobs: plain counts, read when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.figures import (
    Counts,
    Figure,
    FigureKind,
    Sample,
    gauge,
)


class TagCount(Protocol):
    """How many jobs of a tag are in a state, and since when the oldest one is due."""

    @property
    def state(self) -> str: ...  # noqa: D102 - said above

    @property
    def count(self) -> int: ...  # noqa: D102 - said above

    @property
    def oldest_due_at(self) -> int | None: ...  # noqa: D102 - said above


class JobFigures:
    """The counts of one process."""

    def __init__(self) -> None:
        self.limited = Counts()
        self.leases_expired = 0
        self.rescued = 0
        self.fenced = 0
        self.refused = 0
        self.retries = 0
        self.ended = 0
        self.in_state: Mapping[str, int] = {}
        self.oldest_due_at: int | None = None
        self.workers: Callable[[], int] = lambda: 0
        self.leads: Callable[[], bool] = lambda: False

    def counted(self, counts: Iterable[TagCount]) -> None:
        """Keep how many jobs there are in each state, whatever their tag."""
        in_state: dict[str, int] = {}
        due = []
        for one in counts:
            in_state[one.state] = in_state.get(one.state, 0) + one.count
            if one.state == "queued" and one.oldest_due_at is not None:
                due.append(one.oldest_due_at)
        self.in_state, self.oldest_due_at = in_state, min(due, default=None)

    def oldest_seconds(self, now: int) -> float:
        """Return how long the oldest ready job has waited."""
        if self.oldest_due_at is None:
            return 0.0
        return max(0, now - self.oldest_due_at) / MICROSECONDS_PER_SECOND


def figures_of(own: JobFigures, now: Callable[[], int]) -> Sequence[Figure]:
    """Return what a module offers of these counts."""
    return (
        Figure(
            name="tidemill_job_limits_total",
            meaning="What limits did instead of letting a job run as it came, by kind.",
            read=own.limited.samples,
            kind=FigureKind.COUNTER,
            labels=("kind",),
        ),
        _counter("job_retries", "Attempts that did not succeed and will follow again.",
                 lambda: own.retries),
        _counter("jobs_rescued", "Jobs taken from lost workers.", lambda: own.rescued),
        _counter("lease_expired", "Workers that were silent for longer than their lease.",
                 lambda: own.leases_expired),
        _counter("fenced_outcomes", "Outcomes of workers that had lost their job.",
                 lambda: own.fenced),
        _counter("workers_refused", "Greetings of workers that were sent away.",
                 lambda: own.refused),
        Figure(
            name="tidemill_jobs",
            meaning="Jobs that are not final, by state; told by the leading dispatcher.",
            read=lambda: [Sample(count, (state,)) for state, count in own.in_state.items()],
            labels=("state",),
        ),
        Figure(
            name="tidemill_job_oldest_age_seconds",
            meaning="How long the oldest ready job has waited; told by the leading dispatcher.",
            read=gauge(lambda: own.oldest_seconds(now())),
        ),
        Figure(
            name="tidemill_workers_connected",
            meaning="Workers that are connected to this dispatcher.",
            read=gauge(lambda: float(own.workers())),
        ),
        Figure(
            name="tidemill_dispatcher_is_leader",
            meaning="Whether this dispatcher leads.",
            read=gauge(lambda: float(own.leads())),
        ),
    )  # fmt: skip


def _counter(name: str, meaning: str, read: Callable[[], int]) -> Figure:
    return Figure(
        name=f"tidemill_{name}_total", meaning=meaning, read=gauge(read), kind=FigureKind.COUNTER
    )

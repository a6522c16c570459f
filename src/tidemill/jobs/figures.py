"""What metrics show of jobs: plain counts, read when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.figures import (
    RUN_SECONDS,
    Counts,
    Distribution,
    Figure,
    FigureKind,
    Sample,
    gauge,
)


class JobFigures:
    """The counts of one process."""

    def __init__(self) -> None:
        self.completed = Counts()
        self.leases_expired = 0
        self.rescued = 0
        self.fenced = 0
        self.retries = 0
        self.waited = Distribution(RUN_SECONDS)
        self.ran = Distribution(RUN_SECONDS)
        self.in_state: Mapping[str, int] = {}
        self.oldest_due_at: int | None = None
        self.workers: Callable[[], int] = lambda: 0
        self.leads: Callable[[], bool] = lambda: False

    def began(self, due_at: int, started_at: int) -> None:
        """Count how long a job waited, in microseconds."""
        self.waited.observe(max(0, started_at - due_at) / MICROSECONDS_PER_SECOND)

    def ended(self, started_at: int, finished_at: int) -> None:
        """Count how long an attempt ran."""
        self.ran.observe(max(0, finished_at - started_at) / MICROSECONDS_PER_SECOND)

    def oldest_seconds(self, now: int) -> float:
        """Return how long the oldest ready job has waited."""
        if self.oldest_due_at is None:
            return 0.0
        return max(0, now - self.oldest_due_at) / MICROSECONDS_PER_SECOND


def figures_of(own: JobFigures, now: Callable[[], int]) -> Sequence[Figure]:
    """Return what a module offers of these counts."""
    return (
        Figure(
            name="tidemill_jobs_completed_total",
            meaning="Jobs that ended here.",
            read=own.completed.samples,
            kind=FigureKind.COUNTER,
            labels=("outcome",),
        ),
        _counter("job_retries", "Attempts that did not succeed and will follow again.",
                 lambda: own.retries),
        _counter("jobs_rescued", "Jobs taken from lost workers.", lambda: own.rescued),
        _counter("lease_expired", "Workers that were silent for longer than their lease.",
                 lambda: own.leases_expired),
        _counter("fenced_outcomes", "Outcomes of workers that had lost their job.",
                 lambda: own.fenced),
        Figure(
            name="tidemill_job_wait_seconds",
            meaning="Time from when a job was due to when it began.",
            read=own.waited.spreads,
            kind=FigureKind.HISTOGRAM,
        ),
        Figure(
            name="tidemill_job_run_seconds",
            meaning="Time from the begin of an attempt to its end.",
            read=own.ran.spreads,
            kind=FigureKind.HISTOGRAM,
        ),
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

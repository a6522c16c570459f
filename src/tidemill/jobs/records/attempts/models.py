"""Attempts; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.queueing.queue.models import Job

LOST: Final = "lost"
"""The outcome of an attempt whose worker was lost."""
Verdicts: TypeAlias = Mapping[tuple[str, str], JobState | None]
"""What workers say that attempts came to, by tenant and job."""
NO_VERDICTS: Final[Verdicts] = MappingProxyType({})


class Attempt(Struct, frozen=True):
    """One attempt, with the columns of the repository in order; `error` is JSON."""

    tenant_id: str
    job_id: str
    epoch: int
    attempt: int
    worker_id: str | None
    started_at: Instant | None
    finished_at: Instant | None
    outcome: str
    error: str | None
    peak_memory_bytes: int
    cpu_microseconds: int


def earlier(changed: Sequence[tuple[Job, Job]], verdicts: Verdicts, now: Instant) -> list[Attempt]:
    """Return the attempts to keep of jobs that were changed: those that another one follows.

    A job that was given back unrun has not tried anything.
    """
    return [
        _ended(old, new, verdicts.get((old.tenant_id, old.id)), now)
        for old, new in changed
        if not new.state.final and new.attempts == old.attempts
    ]


def last(job: Job) -> Attempt | None:
    """Return the attempt that the job's own row tells of: the one under way, or its last."""
    if job.started_at is None or not (job.state.final or job.state is JobState.RUNNING):
        return None
    return Attempt(
        job.tenant_id,
        job.id,
        job.epoch,
        job.attempts,
        job.worker_id,
        job.started_at,
        job.finished_at,
        str(job.state),
        job.error if job.state.final else None,
        job.peak_memory_bytes,
        job.cpu_microseconds,
    )


def _ended(old: Job, new: Job, verdict: JobState | None, now: Instant) -> Attempt:
    is_lost = new.rescues > old.rescues
    return Attempt(
        old.tenant_id,
        old.id,
        old.epoch,
        old.attempts,
        old.worker_id,
        old.started_at if is_lost else new.started_at,
        now,
        LOST if is_lost else str(verdict or JobState.FAILED),
        None if is_lost else new.error,
        0 if is_lost else new.peak_memory_bytes,
        0 if is_lost else new.cpu_microseconds,
    )

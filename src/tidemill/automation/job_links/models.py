"""What a work item shows of a job, by the job's facts."""

from __future__ import annotations

from typing import Final

from tidemill.board import JobSummary
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.jobs import JobFinished, JobQueued, JobRetryScheduled, JobStarted, JobState

JobFact = JobQueued | JobStarted | JobRetryScheduled | JobFinished
FOLLOWED: Final[tuple[type[JobFact], ...]] = (
    JobQueued,
    JobStarted,
    JobRetryScheduled,
    JobFinished,
)
_BY_NAME: Final = {fact.__name__: fact for fact in FOLLOWED}


def job_fact(recorded: RecordedFact) -> JobFact:
    """Return the fact itself."""
    return decode_fact(recorded, _BY_NAME[recorded.type])


def summary_of(fact: JobFact) -> JobSummary:
    """Return what the job's item shall show."""
    if isinstance(fact, JobFinished):
        return JobSummary(
            id=fact.job_id,
            state=fact.state,
            queued_at=fact.queued_at,
            result=fact.result,
            truncated=fact.result_truncated,
            error=fact.error,
            finished_at=fact.finished_at,
        )
    if isinstance(fact, JobRetryScheduled):
        return JobSummary(
            id=fact.job_id,
            state=JobState.SCHEDULED,
            queued_at=fact.queued_at,
            error=fact.error,
        )
    state = JobState.RUNNING if isinstance(fact, JobStarted) else JobState.QUEUED
    return JobSummary(id=fact.job_id, state=state, queued_at=fact.queued_at)

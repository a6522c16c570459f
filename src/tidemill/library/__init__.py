"""The job engine inside a program of one's own; `import tidemill` has its names."""

from __future__ import annotations

from tidemill.jobs.code.functions.context import RetryAfter
from tidemill.jobs.code.functions.models import Retry
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.models import (
    Concurrency,
    Debounce,
    Limits,
    OnConflict,
    Rate,
    Strategy,
    Unique,
    UniqueBy,
)
from tidemill.jobs.requirements.models import Requires
from tidemill.library.app import Tidemill
from tidemill.library.borrowing import create_outbox
from tidemill.library.errors import (
    JobCancelled,
    JobFailed,
    JobTimedOut,
    NotInTransaction,
    ResultExpired,
)
from tidemill.library.functions import JobFunction, job
from tidemill.library.handles import JobHandle
from tidemill.library.jobs import Changed, JobInfo, JobPage, Jobs
from tidemill.library.schedules import JobSchedule

__all__ = [
    "Changed",
    "Concurrency",
    "Debounce",
    "JobCancelled",
    "JobFailed",
    "JobFunction",
    "JobHandle",
    "JobInfo",
    "JobPage",
    "JobSchedule",
    "JobState",
    "JobTimedOut",
    "Jobs",
    "Limits",
    "NotInTransaction",
    "OnConflict",
    "Rate",
    "Requires",
    "ResultExpired",
    "Retry",
    "RetryAfter",
    "Strategy",
    "Tidemill",
    "Unique",
    "UniqueBy",
    "create_outbox",
    "job",
]

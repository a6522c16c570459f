"""The job engine inside a program of one's own; `import tidemill` has its names."""

from __future__ import annotations

from tidemill.jobs.functions.context import RetryAfter
from tidemill.jobs.functions.models import Retry
from tidemill.library.app import Tidemill
from tidemill.library.borrowing import create_outbox
from tidemill.library.errors import JobCancelled, JobFailed, JobTimedOut, NotInTransaction
from tidemill.library.functions import JobFunction, job
from tidemill.library.handles import JobHandle

__all__ = [
    "JobCancelled",
    "JobFailed",
    "JobFunction",
    "JobHandle",
    "JobTimedOut",
    "NotInTransaction",
    "Retry",
    "RetryAfter",
    "Tidemill",
    "create_outbox",
    "job",
]

"""What a running function knows of its job: `from tidemill import context`."""

from __future__ import annotations

from tidemill.jobs.functions.context import (
    JobContext,
    NotInJob,
    attempt,
    check_cancelled,
    current,
    is_cancelled,
    job_id,
    tenant_id,
    work_item_id,
)

__all__ = [
    "JobContext",
    "NotInJob",
    "attempt",
    "check_cancelled",
    "current",
    "is_cancelled",
    "job_id",
    "tenant_id",
    "work_item_id",
]

"""What a running function knows, says and asks: `from tidemill import context`.

What waits has two forms: `get_state()` for functions in a thread, and `await get_state_async()`
for those on the loop. Where no job runs these raise `NotInJob`. On a server they ask its API, and
raise `NoRights` in a job that no person has started, and `OSError` when there is no answer.

>>> seen = await context.get_state_async("shop.tasks:count") or 0
>>> await context.set_state_async(seen + 1, "shop.tasks:count")
"""

from __future__ import annotations

from tidemill.jobs.code.functions.api import Refused
from tidemill.jobs.code.functions.asking import (
    AwaitIt,
    ChildFailed,
    NothingToAsk,
    get_resource,
    get_resource_async,
    get_state,
    get_state_async,
    get_variable,
    get_variable_async,
    metric,
    metric_async,
    progress,
    progress_async,
    run_job,
    run_job_async,
    set_state,
    set_state_async,
    start_job,
    start_job_async,
)
from tidemill.jobs.code.functions.context import (
    JobCancelled,
    JobContext,
    NotInJob,
    attempt,
    check_cancelled,
    current,
    heartbeat,
    is_cancelled,
    job_id,
    tenant_id,
    work_item_id,
)

__all__ = [
    "AwaitIt",
    "ChildFailed",
    "JobCancelled",
    "JobContext",
    "NotInJob",
    "NothingToAsk",
    "Refused",
    "attempt",
    "check_cancelled",
    "current",
    "get_resource",
    "get_resource_async",
    "get_state",
    "get_state_async",
    "get_variable",
    "get_variable_async",
    "heartbeat",
    "is_cancelled",
    "job_id",
    "metric",
    "metric_async",
    "progress",
    "progress_async",
    "run_job",
    "run_job_async",
    "set_state",
    "set_state_async",
    "start_job",
    "start_job_async",
    "tenant_id",
    "work_item_id",
]

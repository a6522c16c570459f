"""Jobs: scripts, the queue, its dispatcher and workers. Other features import from here only."""

from tidemill.jobs.contract import (
    FINAL_STATES,
    JOBS,
    WORK_ITEM_LINKS,
    JobFinished,
    JobId,
    JobQueued,
    JobRequest,
    JobRetryScheduled,
    Jobs,
    JobSnapshot,
    JobStarted,
    JobState,
    ScriptArchived,
    ScriptDeployed,
    ScriptId,
    WorkItemLinks,
)

__all__ = [
    "FINAL_STATES",
    "JOBS",
    "WORK_ITEM_LINKS",
    "JobFinished",
    "JobId",
    "JobQueued",
    "JobRequest",
    "JobRetryScheduled",
    "JobSnapshot",
    "JobStarted",
    "JobState",
    "Jobs",
    "ScriptArchived",
    "ScriptDeployed",
    "ScriptId",
    "WorkItemLinks",
]

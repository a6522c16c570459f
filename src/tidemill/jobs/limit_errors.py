"""Every failure of limits."""

from __future__ import annotations

from tidemill.core.errors import Conflict, RuleViolation


class LimitKeyUnclear(RuleViolation):
    """The key of a limit needs an argument that a job does not have."""

    code = "LIMIT_KEY_UNCLEAR"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}.", param=param)


class JobNotUnique(Conflict):
    """There is a job already beside which no other one may be."""

    code = "JOB_NOT_UNIQUE"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"The job {job_id} stands for this one already (limits.unique). Wait for it, or let "
            "on_conflict be return_existing.",
            param="limits.unique",
        )
        self.job_id = job_id

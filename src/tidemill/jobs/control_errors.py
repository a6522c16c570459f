"""Failures of what people do to jobs, tags and workers."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tidemill.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RuleViolation,
    TooLarge,
)
from tidemill.jobs.contract import JobState


class JobNotRetriable(Conflict):
    """The job has not failed, so there is nothing to retry."""

    code = "JOB_NOT_RETRIABLE"

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(
            f"Job {reference!r} {reason}. Only what has ended without success can be retried.",
            param="job_id",
        )


class JobRetriedAlready(Conflict):
    """The job has its one retry, which somebody made meanwhile or which has left the history."""

    code = "JOB_RETRIED_ALREADY"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Job {reference!r} has been retried already. Run it once more with `rerun`.",
            param="job_id",
        )


class JobNotWaiting(Conflict):
    """The job's time cannot be changed any more."""

    code = "JOB_NOT_WAITING"

    def __init__(self, reference: str, state: JobState) -> None:
        told = f"is {state}, so its time cannot be changed. Cancel it instead."
        if state.final:
            told = f"has ended ({state}), so there is no time to change. Run it again instead."
        super().__init__(f"Job {reference!r} {told}", param="job_id")


class FilterMissing(InvalidInput):
    """A change of many jobs does not say of which."""

    code = "FILTER_MISSING"

    def __init__(self, *, or_all: bool = False) -> None:
        more = "; or that all are, by `all`: true" if or_all else ""
        super().__init__(
            "Say which jobs are meant, by at least one field of `filter`, such as path, tag, "
            f"label or since{more}.",
            param="filter",
        )


class FilterBesidesAll(InvalidInput):
    """A change is to be of all jobs, and of those that fit a filter."""

    code = "FILTER_BESIDES_ALL"

    def __init__(self) -> None:
        super().__init__(
            "With `all`, `filter` may have no field but state: leave out one of the two.",
            param="all",
        )


class FilterStateWrong(InvalidInput):
    """A change of many jobs is for a state in which it cannot happen."""

    code = "FILTER_STATE_WRONG"

    def __init__(self, state: str, possible: str) -> None:
        super().__init__(
            f"This cannot be done to jobs that are {state}; use {possible}, or leave `state` out.",
            param="filter.state",
        )


class ItemError(Struct, frozen=True, kw_only=True):
    """What is wrong with one job of a batch: its place, counted from 0, and which field."""

    index: int
    code: str
    message: str
    param: str | None = None


class LineError(Struct, frozen=True, kw_only=True):
    """What is wrong with a line of an import, counted from 1, and with which field."""

    line: int
    code: str
    message: str
    param: str | None = None


class BatchRefused(RuleViolation):
    """Some of the jobs that came together are wrong, so none was accepted; `errors` has each."""

    code = "BATCH_REFUSED"

    def __init__(self, errors: Sequence[ItemError], total: int) -> None:
        super().__init__(
            f"{len(errors)} of {total} jobs are wrong; none was accepted. `errors` names each."
        )
        self.errors = list(errors)


class BatchTooLarge(TooLarge):
    """More jobs came together than one commit takes."""

    code = "BATCH_TOO_LARGE"

    def __init__(self, count: int, jobs_max: int) -> None:
        super().__init__(
            f"{count} jobs came at once; {jobs_max} are the limit. Send them in portions.",
            param="jobs",
        )


class JobsOperatorNeeded(Forbidden):
    """What concerns all tenants is for operators of the installation."""

    code = "JOBS_OPERATOR_NEEDED"

    def __init__(self) -> None:
        super().__init__(
            "This concerns every tenant, so only an operator of this installation, an owner of its "
            "first tenant, may do it."
        )


class WorkerNotFound(NotFound):
    """There is no worker of this name."""

    code = "WORKER_NOT_FOUND"

    def __init__(self, worker_id: str) -> None:
        super().__init__(
            f"There is no worker {worker_id[:100]!r}. `tidemill workers list` names those known.",
            param="worker_id",
        )


class RetentionRuleNotFound(NotFound):
    """The tenant has no retention rule of this name."""

    code = "RETENTION_RULE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no retention rule {name[:100]!r}.", param="name")


class RetentionRuleInvalid(InvalidInput):
    """A retention rule could never apply, or keeps longer than the history is kept."""

    code = "RETENTION_RULE_INVALID"

    def __init__(self, reason: str, *, param: str) -> None:
        super().__init__(reason, param=param)


class JobImportRefused(RuleViolation):
    """Lines of an import of jobs are wrong, so none was imported; `errors` has each."""

    code = "JOB_IMPORT_REFUSED"

    def __init__(self, errors: Sequence[LineError]) -> None:
        lines = "line is" if len(errors) == 1 else "lines are"
        super().__init__(
            f"{len(errors)} {lines} wrong; nothing was imported. `errors` names each of them."
        )
        self.errors = list(errors)

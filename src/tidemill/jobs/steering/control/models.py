"""What becomes of a job that is to run again, later or now; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.jobs.code.scripts.models import DEPLOYED
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.control_errors import JobNotRetriable, JobNotWaiting
from tidemill.jobs.limits.models import limits_of
from tidemill.jobs.queueing.queue.models import Job, rescues_limit
from tidemill.jobs.queueing.queue.plans import JOB_EXPIRED
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.requests import Code
from tidemill.jobs.queueing.specs.models import Own
from tidemill.jobs.requirements.models import requires_of

RETRY: Final = "retry"
RERUN: Final = "rerun"
snooze_seconds_max: Final = 366 * 86_400


class CodeChoice(StrEnum):
    """Which text of a script runs the second time."""

    CURRENT = "current"
    """The one that is deployed by then."""
    SAME = "same"
    """The one that ran the first time."""


class DeathReason(StrEnum):
    """Why nobody tries a job again by itself."""

    ATTEMPTS_USED = "attempts_used"
    """Its last attempt failed too."""
    NOT_RETRIABLE = "not_retriable"
    """It failed in a way in which it would fail again."""
    POISON = "poison"
    """Worker after worker was lost with it."""
    EXPIRED = "expired"
    """It could not start in time."""


class Changes(Struct, frozen=True, kw_only=True):
    """What shall be otherwise in a new run; None is as it was. `args` are put over the old ones."""

    args: dict[str, Any] | None = None
    tag: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    attempts_max: int | None = None


_AS_IT_WAS: Final = Changes()


def request_of(job: Job, changes: Changes = _AS_IT_WAS) -> JobRequest:
    """Return the request for a job like `job`: what was deployed with its code counts anew."""
    own = _own_of(job)
    function = job.function
    inline = job.script_path is None and function is None
    given = {name: value for name, value in structs.asdict(changes).items() if value is not None}
    args = {**msgspec.json.decode(job.args), **(given.pop("args", None) or {})}
    request = JobRequest(
        script_path=job.script_path,
        function=function,
        language=job.language if inline else None,
        content=job.content if inline else None,
        args=args,
        tag=job.tag,
        priority=job.priority,
        work_item_id=job.work_item_id,
        timeout_seconds=job.timeout_seconds,
        attempts_max=job.attempts_max,
        isolation=job.isolation if own.isolation and function is None else None,
        labels=labels_of(job),
        parent_id=job.parent_id,
        requires=own.requires,
        limits=own.limits,
        affinity_key=job.affinity_key if own.affinity_key else None,
    )
    request = structs.replace(request, **given)
    if request.limits is None or request.timeout_seconds is None:
        return request
    # A change of the timeout asks nothing of limits that were right beside the old one, nor does
    # this release of those that were right in an earlier one.
    limits = request.limits.within(request.timeout_seconds).consistent()
    return structs.replace(request, limits=limits)


def code_of(job: Job) -> Code:
    """Return the code that `job` ran, with what was deployed with it."""
    code = Code(
        language=job.language,
        content_hash=job.content_hash,
        script_path=job.script_path,
        content=job.content,
        # What goes further was the installation's default, which may be another by now.
        isolation=job.isolation if job.isolation in DEPLOYED else None,
    )
    if job.own is None:
        return code
    return structs.replace(
        code,
        limits=None if job.limits is None else limits_of(job.limits),
        requires=None if job.requires is None else requires_of(job.requires),
        affinity_key=job.affinity_key,
    )


def _own_of(job: Job) -> Own:
    if job.own is not None:
        return msgspec.json.decode(job.own, type=Own)
    return Own(
        limits=None if job.limits is None else limits_of(job.limits),
        requires=None if job.requires is None else requires_of(job.requires),
        affinity_key=job.affinity_key is not None,
    )


def on_purpose(order: Order) -> Order:
    """Return an order that somebody gave for one job: no other job stands for it."""
    if order.plan is None:
        return order
    plan = structs.replace(order.plan, unique_key=None, debounce_key=None, cache_key=None)
    return structs.replace(order, plan=plan)


def check_retriable(job: Job) -> None:
    """Raise `JobNotRetriable` unless the job has ended without success."""
    if not job.state.final:
        raise JobNotRetriable(job.public_id, f"is {job.state}; it has not ended")
    if job.state is JobState.SUCCEEDED:
        raise JobNotRetriable(job.public_id, "has succeeded; run it again with `rerun`")


def check_movable(job: Job) -> None:
    """Raise `JobNotWaiting` unless the job's time can still be changed."""
    if job.worker_id is not None or job.state.final:
        raise JobNotWaiting(job.public_id, job.state)


def labels_of(job: Job) -> tuple[str, ...]:
    """Return the labels of a job."""
    return () if job.labels is None else msgspec.json.decode(job.labels, type=tuple[str, ...])


def death_of(job: Job) -> DeathReason:
    """Return why nobody tries a job again that has failed for good."""
    error = {} if job.error is None else msgspec.json.decode(job.error)
    # What a job raises may have any type; these have more that only the queue itself says.
    if error.get("type") == "WorkerLost" and job.rescues >= rescues_limit(job):
        return DeathReason.POISON
    if error.get("code") == JOB_EXPIRED or job.attempts == 0:
        return DeathReason.EXPIRED
    if job.attempts >= job.attempts_max:
        return DeathReason.ATTEMPTS_USED
    return DeathReason.NOT_RETRIABLE

"""What a job waits for, in words; no I/O."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant, rfc3339
from tidemill.jobs.contract import JobState
from tidemill.jobs.limits.models import limits_of
from tidemill.jobs.queueing.queue.models import Job, error_message
from tidemill.jobs.requirements.models import requires_of
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState


class ReasonCode(StrEnum):
    """What kind of thing stands in the way."""

    DUE_TIME = "due_time"
    DEBOUNCE = "debounce"
    SNOOZE = "snooze"
    RETRY = "retry"
    NO_WORKER = "no_worker"
    TAG_PAUSED = "tag_paused"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    LIMITS = "limits"
    TURN = "turn"
    CANCEL = "cancel"
    SCHEDULE = "schedule"


class Reason(Struct, frozen=True, kw_only=True):
    """One thing that is waited for; `until` is when that ends, where it is known."""

    code: ReasonCode
    message: str
    until: Instant | None = None


class Lane(Struct, frozen=True, kw_only=True):
    """Where a ready job stands among those of its tenant with its tag."""

    ahead: int
    ahead_max: int
    paused_at: Instant | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """The state of a job or a due time, in one sentence and in parts."""

    id: str
    state: str
    message: str
    reasons: tuple[Reason, ...] = ()
    job_id: str | None = None
    schedule_path: str | None = None


def explain_job(job: Job, lane: Lane | None, no_worker: str | None, *, now: Instant) -> Explanation:
    """Return why a job is in its state."""
    reasons = _reasons(job, lane, no_worker, now)
    message = "; ".join(reason.message for reason in reasons) if reasons else _told(job)
    return Explanation(
        id=job.public_id,
        state=job.state,
        message=f"{message[:1].upper()}{message[1:]}.",
        reasons=tuple(reasons),
        job_id=job.public_id,
    )


def explain_occurrence(occurrence: Occurrence, path: str | None) -> Explanation:
    """Return why a due time is in its state."""
    reasons = []
    if occurrence.state is OccurrenceState.PENDING:
        text = occurrence.reason or "it is about to start"
        until = occurrence.starts_at if text == "its time has not come" else None
        reasons = [Reason(code=ReasonCode.SCHEDULE, message=text, until=until)]
    told = occurrence.reason or f"it has {occurrence.state}"
    return Explanation(
        id=occurrence.id,
        state=occurrence.state,
        message=f"{told[:1].upper()}{told[1:]}.",
        reasons=tuple(reasons),
        job_id=occurrence.job_id,
        schedule_path=path,
    )


def _reasons(job: Job, lane: Lane | None, no_worker: str | None, now: Instant) -> list[Reason]:
    if job.state is JobState.SCHEDULED:
        return [_due(job, now)]
    if job.state is JobState.WAITING:
        return [_limit(job, no_worker or "its limits are asked at once")]
    if job.state in {JobState.LEASED, JobState.RUNNING} and job.cancel_requested_at is not None:
        return [Reason(code=ReasonCode.CANCEL, message="it is being cancelled by its worker")]
    if job.state is not JobState.QUEUED:
        return []
    reasons = []
    if lane is not None and lane.paused_at is not None:
        since = rfc3339(lane.paused_at)
        text = f"the tag {job.tag} is paused since {since}"
        reasons.append(Reason(code=ReasonCode.TAG_PAUSED, message=text))
    if no_worker is not None:
        text = no_worker.rstrip(".")
        reasons.append(Reason(code=ReasonCode.NO_WORKER, message=text[:1].lower() + text[1:]))
    turn = _turn(job, lane)
    if not reasons and (lane is None or lane.ahead == 0):
        turn = f"{turn}; it needs {_needs(job)}"
    reasons.append(Reason(code=ReasonCode.TURN, message=turn))
    return reasons


def _limit(job: Job, told: str) -> Reason:
    code = ReasonCode.LIMITS if job.waits_for == "entry" else ReasonCode(job.waits_for or "limits")
    text = told.rstrip(".")
    return Reason(code=code, message=text[:1].lower() + text[1:])


def _due(job: Job, now: Instant) -> Reason:
    if job.attempts:
        text = f"attempt {job.attempts} failed ({error_message(job)}); the next one starts at"
        return Reason(
            code=ReasonCode.RETRY, message=f"{text} {rfc3339(job.due_at)}", until=job.due_at
        )
    text = f"its time has not come: it starts at {rfc3339(job.due_at)}"
    if job.snoozes:
        text = f"it was put off (snoozed): it starts at {rfc3339(job.due_at)}"
        return Reason(code=ReasonCode.SNOOZE, message=text, until=job.due_at)
    if (pause := _pause(job, now)) is not None:
        return Reason(code=ReasonCode.DEBOUNCE, message=pause, until=job.due_at)
    return Reason(code=ReasonCode.DUE_TIME, message=text, until=job.due_at)


def _pause(job: Job, now: Instant) -> str | None:
    """Return what a debounced job waits for; None for one with a later time of its own."""
    debounce = None if job.limits is None else limits_of(job.limits).debounce
    if debounce is None or job.due_at > now + debounce.seconds * MICROSECONDS_PER_SECOND:
        return None
    most = debounce.max_seconds
    bound = "" if most is None else f", for {most:g} s from the first one on at most"
    return (
        f"it is debounced: it starts at {rfc3339(job.due_at)} unless another one of its key comes "
        f"before, and then {debounce.seconds:g} s after that one{bound}"
    )


def _turn(job: Job, lane: Lane | None) -> str:
    if lane is None or lane.ahead == 0:
        return f"it is next among the jobs with the tag {job.tag}"
    more = "" if lane.ahead < lane.ahead_max else " or more"
    jobs = "job is" if lane.ahead == 1 else "jobs are"
    return f"{lane.ahead}{more} {jobs} ahead of it with the tag {job.tag}"


def _needs(job: Job) -> str:
    if job.affinity_key is not None:
        return f"a free slot on the worker of its key {job.affinity_key}, or a while without one"
    if job.requires is not None:
        return f"a worker with {requires_of(job.requires).told} free"
    return "a free slot"


def _told(job: Job) -> str:
    match job.state:
        case JobState.LEASED | JobState.RUNNING:
            return f"it is {job.state} on worker {job.worker_id}, attempt {job.attempts}"
        case JobState.SUCCEEDED:
            return f"it succeeded in attempt {job.attempts}"
        case JobState.CANCELLED:
            return f"it was cancelled by {job.cancelled_by or 'its worker'}"
        case _:
            verb = "ran out of time" if job.state is JobState.TIMED_OUT else "failed"
            error = (error_message(job) or "").rstrip(".")
            return f"it {verb} after {job.attempts} attempts{': ' if error else ''}{error}"

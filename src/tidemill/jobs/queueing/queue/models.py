"""Jobs and the rules of their lives; no I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.facts import Topic, topic
from tidemill.core.ids import TenantId
from tidemill.jobs.code.functions.models import FUNCTION
from tidemill.jobs.contract import (
    JobFinished,
    JobId,
    JobQueued,
    JobRetryScheduled,
    JobSnapshot,
    JobStarted,
    JobState,
)
from tidemill.jobs.folders.models import function_path, place_topics

rescues_max: Final = 5
suspicion_factor: Final = 2
"""How much longer jobs are tried that reach their limit together, so that it shows which it is."""
retry_seconds_max: Final = 366 * 86_400
_pause_max: Final = 4 * MICROSECONDS_PER_SECOND
result_in_fact_bytes_max: Final = 8 * 1024
_error_in_fact_chars_max: Final = 500
_jitter_share: Final = 0.1
_MICROSECONDS_PER_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND


class Job(Struct, frozen=True, gc=False):
    """A job; the fields are in the order of the repository's columns.

    `id` is made here, `key` was chosen by the client. `attempts` counts claims, `rescues` those
    that a worker did not bring to an end, `epoch` fences off whoever held the job before.
    `args`, `actor`, `error`, `result` and `labels` are JSON; lists leave long `args` empty.
    `parent_id` and `root_id` are ids made here: of the job that this one belongs to, and of the
    first one above it.
    """

    tenant_id: TenantId
    id: str
    key: str | None
    tag: str
    isolation: str
    priority: int
    state: JobState
    due_at: Instant
    created_at: Instant
    actor: str
    script_path: str | None
    language: str
    content_hash: str
    content: str | None
    args: str
    work_item_id: str | None
    trigger_id: str | None
    traceparent: str | None
    timeout_seconds: int
    attempts: int
    attempts_max: int
    rescues: int
    epoch: int
    worker_id: str | None
    started_at: Instant | None
    cancelled_by: str | None
    error: str | None
    cancel_requested_at: Instant | None = None
    finished_at: Instant | None = None
    peak_memory_bytes: int = 0
    result: str | None = None
    cpu_microseconds: int = 0
    parent_id: str | None = None
    root_id: str | None = None
    labels: str | None = None
    snoozes: int | None = None
    requires: str | None = None
    affinity_key: str | None = None
    limits: str | None = None
    concurrency_key: str | None = None
    rate_key: str | None = None
    waits_for: str | None = None
    expires_at: Instant | None = None
    cached_from: str | None = None
    result_expires_at: Instant | None = None
    own: str | None = None
    found_by: str | None = None

    @property
    def result_expired(self) -> bool:
        """Return whether there was a result, and its time is over; not known of jobs in lists."""
        return self.result_expires_at is not None and self.result is None

    @property
    def public_id(self) -> JobId:
        """Return the id that clients know: their own where they chose one."""
        return JobId(self.key if self.key is not None else self.id)

    @property
    def function(self) -> str | None:
        """Return the name of the function that the job calls, if it is such a job."""
        return self.content if self.language == FUNCTION else None

    @property
    def day(self) -> int:
        """Return the day in the job's id."""
        return day_of(self.id)

    @property
    def followed(self) -> bool:
        """Return whether others follow this job, so that all its facts go on the stream."""
        return self.work_item_id is not None or self.trigger_id is not None

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Return what a subscriber may follow to hear of this job."""
        path = path_of(self.script_path, self.function)
        return topics_of(self.public_id, self.work_item_id, path)

    def snapshot(self) -> JobSnapshot:
        """Return the job as other features see it."""
        return JobSnapshot(
            id=self.public_id,
            state=self.state,
            created_at=self.created_at,
            work_item_id=self.work_item_id,
            started_at=self.started_at,
            finished_at=self.finished_at,
            result=raw(self.result),
            error=raw(self.error),
        )


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How long to wait before another attempt: it doubles, up to a limit."""

    seconds_min: float = 1.0
    seconds_max: float = 3600.0

    def delay(self, failures: int, jitter: float) -> int:
        """Return the microseconds to wait after `failures`; `jitter` lies within 0 and 1."""
        seconds = min(self.seconds_max, self.seconds_min * 2.0 ** min(failures - 1, 40))
        spread = 1 + _jitter_share * (2 * jitter - 1)
        return int(max(self.seconds_min, seconds * spread) * MICROSECONDS_PER_SECOND)


class Ending(Struct, frozen=True, kw_only=True, gc=False):
    """How an attempt ended, as its worker says; without a verdict it was not brought to an end.

    `retry_seconds` is when the next attempt shall come where the code has a policy of its own.
    """

    verdict: JobState | None
    started_at: Instant
    finished_at: Instant
    result: str | None = None
    error: str | None = None
    peak_memory_bytes: int = 0
    cpu_microseconds: int = 0
    retriable: bool = True
    retry_seconds: float | None = None


def topics_of(public_id: JobId, work_item_id: str | None, path: str | None) -> tuple[Topic, ...]:
    """Return what a subscriber may follow to hear of a job that runs what lies at `path`."""
    own = (topic("job", public_id), *place_topics(path))
    return own if work_item_id is None else (*own, topic("work-item", work_item_id))


def path_of(script_path: str | None, function: str | None) -> str | None:
    """Return the path of what a job runs; None for code in place."""
    return script_path if function is None else function_path(function)


def order_key(due_at: Instant, priority: int, ageing_seconds: int) -> int:
    """Return the place among ready jobs: one step of priority counts like earlier arrival."""
    return due_at - priority * ageing_seconds * MICROSECONDS_PER_SECOND


def day_of(id_: str) -> int:
    """Return the day, counted from 1970, in a UUIDv7."""
    milliseconds = int(id_[:8] + id_[9:13], 16)
    return milliseconds * 1000 // _MICROSECONDS_PER_DAY


def is_uuid7(text: str) -> bool:
    """Return whether `text` has the form of an id made here."""
    return (
        len(text) == 36
        and text[14] == "7"
        and text[8] == text[13] == text[18] == text[23] == "-"
        and set(text) <= _UUID_CHARACTERS
    )


_UUID_CHARACTERS: Final = frozenset("0123456789abcdef-")


def settled(job: Job, ending: Ending, policy: RetryPolicy, *, now: Instant, jitter: float) -> Job:
    """Return the job after an attempt: final, waiting for the next attempt, or back in line."""
    if ending.verdict is None:
        return given_back(job, now=now)
    ran = structs.replace(
        job,
        started_at=ending.started_at,
        error=ending.error,
        peak_memory_bytes=ending.peak_memory_bytes,
        cpu_microseconds=ending.cpu_microseconds,
    )
    if job.cancel_requested_at is not None and ending.verdict is not JobState.SUCCEEDED:
        return finished(ran, JobState.CANCELLED, now=ending.finished_at)
    failed = ending.verdict in {JobState.FAILED, JobState.TIMED_OUT}
    if failed and ending.retriable and job.attempts < job.attempts_max:
        delay = policy.delay(job.attempts, jitter)
        if ending.retry_seconds is not None:
            # Functions may say anything, and what no column takes would stop everybody's jobs.
            seconds = min(max(ending.retry_seconds, 0.0), retry_seconds_max)
            delay = int(seconds * MICROSECONDS_PER_SECOND)
        return structs.replace(
            ran, state=JobState.SCHEDULED, due_at=Instant(now + delay), worker_id=None
        )
    ended = finished(ran, ending.verdict, now=ending.finished_at)
    return structs.replace(ended, result=ending.result)


def given_back(job: Job, *, now: Instant, seconds: float = 0) -> Job:
    """Return the job after its worker let go of it unrun; that counts for nothing."""
    if job.cancel_requested_at is not None:
        return finished(job, JobState.CANCELLED, now=now)
    back = structs.replace(job, attempts=max(0, job.attempts - 1), worker_id=None, started_at=None)
    if seconds <= 0:
        return structs.replace(back, state=JobState.QUEUED)
    due_at = Instant(now + int(seconds * MICROSECONDS_PER_SECOND))
    return structs.replace(back, state=JobState.SCHEDULED, due_at=due_at)


def rescued(
    job: Job, policy: RetryPolicy, *, now: Instant, jitter: float, alone: bool = True
) -> Job:
    """Return the job after its worker was lost: back in line, unless it takes all workers along.

    From the second time on it waits a moment, by chance, so that jobs which were lost together do
    not stay together: only one of them may be what takes workers along. `alone` says that no other
    job of the same worker is at its limit; until then none of them is given up.
    """
    if job.cancel_requested_at is not None:
        return finished(job, JobState.CANCELLED, now=now)
    rescues, limit = job.rescues + 1, rescues_limit(job)
    if rescues >= (limit if alone else limit * suspicion_factor):
        error = {
            "type": "WorkerLost",
            "message": f"{rescues} workers were lost while they held this job; it is not "
            "tried again. Look at the workers' memory and logs.",
        }
        poisoned = structs.replace(job, rescues=rescues, error=to_json(error))
        return finished(poisoned, JobState.FAILED, now=now)
    back = structs.replace(
        job, state=JobState.QUEUED, rescues=rescues, worker_id=None, started_at=None
    )
    if rescues == 1:
        return back
    pause = min(policy.delay(rescues - 1, jitter), _pause_max)
    return structs.replace(
        back, state=JobState.SCHEDULED, due_at=Instant(now + int(pause * jitter))
    )


def rescues_limit(job: Job) -> int:
    """Return how many lost workers a job is taken from before it is given up."""
    return max(rescues_max, job.attempts_max)


def finished(job: Job, state: JobState, *, now: Instant) -> Job:
    """Return the job at its end."""
    return structs.replace(job, state=state, finished_at=now)


def actor_of(job: Job) -> Actor:
    """Return the job itself as the actor of its facts, with the rights of who started it."""
    starter = starter_of(job)
    return structs.replace(
        starter,
        kind=ActorKind.JOB,
        id=job.public_id,
        on_behalf_of=starter.on_behalf_of or starter.user_id or starter.id,
    )


def starter_of(job: Job) -> Actor:
    """Return who started the job."""
    return starter(job.actor)


@lru_cache(maxsize=1024)
def starter(actor: str) -> Actor:
    """Return the actor in JSON of a job."""
    return msgspec.json.decode(actor, type=Actor)


def queued_fact(job: Job) -> JobQueued:
    """Return the fact that `job` was accepted."""
    return JobQueued(**_common(job), run_at=job.due_at)


def started_fact(job: Job, started_at: Instant) -> JobStarted:
    """Return the fact that an attempt began."""
    return JobStarted(**_common(job), attempt=job.attempts, started_at=started_at)


def ending_fact(job: Job) -> JobFinished | JobRetryScheduled | None:
    """Return the fact of how an attempt ended, where others follow it or the job has failed."""
    if job.state.final:
        if not job.followed and job.state is JobState.SUCCEEDED:
            return None
        if not job.followed and job.state is JobState.CANCELLED:
            return None
        return _finished_fact(job)
    if job.followed and job.state is JobState.SCHEDULED:
        return JobRetryScheduled(
            **_common(job), attempt=job.attempts, error=error_message(job), run_at=job.due_at
        )
    return None


def error_message(job: Job) -> str | None:
    """Return the message of the last error, in short."""
    if job.error is None:
        return None
    message = str(msgspec.json.decode(job.error).get("message", ""))
    if len(message) <= _error_in_fact_chars_max:
        return message
    return f"{message[: _error_in_fact_chars_max - 1]}…"


def raw(json: str | None) -> msgspec.Raw:
    """Return JSON text as it goes into a body; null where there is none."""
    return msgspec.Raw(b"null" if json is None else json.encode())


def to_json(value: object) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value).decode()


def _common(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.public_id,
        "work_item_id": job.work_item_id,
        "trigger_id": job.trigger_id,
        "script_path": job.script_path,
        "function": job.function,
        "queued_at": job.created_at,
    }


def _finished_fact(job: Job) -> JobFinished:
    result, truncated = raw(job.result), False
    if job.result is not None and len(job.result) > result_in_fact_bytes_max:
        result = msgspec.Raw(msgspec.json.encode(job.result[:result_in_fact_bytes_max]))
        truncated = True
    assert job.finished_at is not None  # noqa: S101 - final jobs have ended
    return JobFinished(
        **_common(job),
        state=job.state,
        attempts=job.attempts,
        started_at=job.started_at,
        finished_at=job.finished_at,
        result=result,
        result_truncated=truncated,
        error=error_message(job),
    )

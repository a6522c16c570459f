"""Bodies of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import Meta, field, structs

from tidemill.core.clock import Instant, from_datetime, rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.code.functions.models import isolation_of
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.limits.models import Limits, limits_of
from tidemill.jobs.queueing.queue.models import Job, raw, starter_of, to_json
from tidemill.jobs.requirements.models import Requires, requires_of

_listed_error_chars_max: Final = 2_000
_listed_word_chars_max: Final = 500


class CreateJob(Body, frozen=True, kw_only=True):
    """What to run: a script by `script_path`, a `function`, or `content` in a `language`.

    `id` may be chosen by the client: sent again, it gives the same job and no second execution.
    """

    script_path: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    function: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    language: Annotated[str, Meta(min_length=1, max_length=30)] | None = None
    content: str | None = None
    args: dict[str, Any] = field(default_factory=dict)
    tag: str | None = None
    priority: int | None = None
    run_at: Annotated[datetime, Meta(tz=True)] | None = None
    work_item_id: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    id: str | None = None
    timeout_seconds: int | None = None
    attempts_max: int | None = None
    isolation: str | None = None
    labels: tuple[str, ...] = ()
    parent_id: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    limits: Limits | None = None

    def request(self) -> JobRequest:
        """Return the request in the words of the contract."""
        return JobRequest(
            script_path=None if self.script_path is None else self.script_path.strip("/"),
            function=self.function,
            language=self.language,
            content=self.content,
            args=self.args,
            tag=self.tag,
            priority=self.priority,
            run_at=None if self.run_at is None else from_datetime(self.run_at),
            work_item_id=self.work_item_id,
            id=self.id,
            timeout_seconds=self.timeout_seconds,
            attempts_max=self.attempts_max,
            isolation=self.isolation,
            requires=self.requires,
            affinity_key=self.affinity_key,
            labels=self.labels,
            parent_id=self.parent_id,
            limits=self.limits,
        )


class JobView(View, frozen=True, kw_only=True):
    """A job. `waiting_for` says what a waiting or queued job needs besides its turn.

    Lists leave out long `args`, and of a long `error` all but the beginning of its words;
    `args_truncated` and `error_truncated` say so. `GET /jobs/{id}` shows all.

    `found_by` names the limit by which an enqueue gave this job instead of a new one, and
    `cached_from` the job whose result this one has. One that no worker has taken by `expires_at`
    is given up.
    """

    id: str
    state: JobState
    script_path: str | None
    function: str | None
    language: str
    content_hash: str
    args: dict[str, Any] | None
    tag: str
    priority: int
    isolation: str
    work_item_id: str | None
    run_at: str
    timeout_seconds: int
    attempts: int
    attempts_max: int
    rescues: int
    worker_id: str | None
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None
    cancel_requested_at: str | None
    cancelled_by: str | None
    peak_memory_bytes: int
    cpu_microseconds: int
    error: dict[str, Any] | None
    labels: list[str]
    parent_id: str | None
    root_id: str | None
    snoozes: int
    requires: Requires | None = None
    affinity_key: str | None = None
    limits: Limits | None = None
    concurrency_key: str | None = None
    expires_at: str | None = None
    found_by: str | None = None
    cached_from: str | None = None
    waiting_for: str | None = None
    args_truncated: bool = False
    error_truncated: bool = False

    @classmethod
    def of(cls, job: Job, waiting_for: str | None = None) -> Self:
        """Return the view of `job`."""
        starter = starter_of(job)
        return cls(
            id=job.public_id,
            state=job.state,
            script_path=job.script_path,
            function=job.function,
            language=job.language,
            content_hash=job.content_hash,
            args=msgspec.json.decode(job.args) if job.args else None,
            tag=job.tag,
            priority=job.priority,
            isolation=isolation_of(job.isolation),
            work_item_id=job.work_item_id,
            run_at=rfc3339(job.due_at),
            timeout_seconds=job.timeout_seconds,
            attempts=job.attempts,
            attempts_max=job.attempts_max,
            rescues=job.rescues,
            worker_id=job.worker_id,
            created_at=rfc3339(job.created_at),
            created_by=starter.user_id or starter.id,
            started_at=_shown(job.started_at),
            finished_at=_shown(job.finished_at),
            cancel_requested_at=_shown(job.cancel_requested_at),
            cancelled_by=job.cancelled_by,
            peak_memory_bytes=job.peak_memory_bytes,
            cpu_microseconds=job.cpu_microseconds,
            error=None if job.error is None else msgspec.json.decode(job.error),
            labels=[] if job.labels is None else msgspec.json.decode(job.labels),
            parent_id=job.parent_id,
            root_id=job.root_id,
            snoozes=job.snoozes or 0,
            requires=None if job.requires is None else requires_of(job.requires),
            affinity_key=job.affinity_key,
            limits=None if job.limits is None else limits_of(job.limits),
            concurrency_key=job.concurrency_key,
            expires_at=_shown(job.expires_at),
            found_by=job.found_by,
            cached_from=job.cached_from,
            waiting_for=waiting_for,
            args_truncated=not job.args,
        )

    @classmethod
    def listed(cls, job: Job) -> Self:
        """Return the view of a job of a list, with the beginnings of a long error's words."""
        short = error_in_list(job.error)
        if short is None:
            return cls.of(job)
        return structs.replace(cls.of(structs.replace(job, error=short)), error_truncated=True)


class JobPage(PageView, frozen=True, kw_only=True):
    """A part of the list of jobs, the latest first."""

    items: list[JobView]


class ResultView(View, frozen=True, kw_only=True):
    """How a job ended; `result` and `error` are null while it has not.

    After `result_expires_at` the result is null too, and `result_expired` is true; the job stays
    in the history.
    """

    id: str
    state: JobState
    finished: bool
    result: Any
    error: dict[str, Any] | None
    started_at: str | None
    finished_at: str | None
    result_expires_at: str | None = None
    result_expired: bool = False

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the result of `job`."""
        return cls(
            id=job.public_id,
            state=job.state,
            finished=job.state.final,
            result=raw(job.result),
            error=None if job.error is None else msgspec.json.decode(job.error),
            started_at=_shown(job.started_at),
            finished_at=_shown(job.finished_at),
            result_expires_at=_shown(job.result_expires_at),
            result_expired=job.result_expired,
        )


def error_in_list(error: str | None) -> str | None:
    """Return what lists show of a long error: the beginnings of its words; None for a short one."""
    if error is None or len(error) <= _listed_error_chars_max:
        return None
    known: dict[str, Any] = msgspec.json.decode(error)
    words = {name: _beginning(known.get(name, "")) for name in ("type", "message")}
    return to_json({**words, "traceback": ""})


def _beginning(text: object) -> str:
    shown = str(text)
    if len(shown) <= _listed_word_chars_max:
        return shown
    return f"{shown[: _listed_word_chars_max - 1]}…"


def _shown(instant: Instant | None) -> str | None:
    return None if instant is None else rfc3339(instant)

"""From a request and its limits to what they mean for this job; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.keys import digest, render
from tidemill.jobs.limits.models import Concurrency, Limits, UniqueBy, limits_of, written_arguments
from tidemill.jobs.queueing.queue.models import Job, finished, to_json
from tidemill.jobs.queueing.queue.requests import Code
from tidemill.jobs.references import references_in

CANCELLED_BY: Final = "limits.concurrency"
JOB_EXPIRED: Final = "JOB_EXPIRED"
_SCOPES: Final = ("script:", "function:", "code:", "key:")
"""How the keys begin that scripts and functions have by themselves, and those that look alike."""


class Plan(Struct, frozen=True, kw_only=True):
    """The limits of one job, with their keys for its arguments; `text` is the limits as JSON."""

    limits: Limits
    text: str
    concurrency_key: str | None = None
    rate_key: str | None = None
    unique_key: str | None = None
    debounce_key: str | None = None
    cache_key: str | None = None

    @property
    def gate(self) -> tuple[str, str] | None:
        """Return the first limit that a due job has to pass, and its key."""
        if self.concurrency_key is not None:
            return "concurrency", self.concurrency_key
        if self.rate_key is not None:
            return "rate", self.rate_key
        return None


def plan_of(request: JobRequest, code: Code, *, place: str, starter: str) -> Plan | None:
    """Return what limits the job: its own limits, and those of what it runs; None for nothing.

    `place` is where what it runs lies, `starter` who starts it. Raises `LimitKeyUnclear`.
    """
    scope, limits = code.scope, _limits_of(request, code)
    text = None if limits is None else limits.to_json()
    if limits is None or text is None:
        return None
    return Plan(
        limits=limits,
        text=text,
        concurrency_key=_key(request, limits, "concurrency", scope),
        rate_key=_key(request, limits, "rate", scope),
        unique_key=_unique(request, limits, scope, place),
        debounce_key=_stand(request, limits, "debounce", scope, place),
        cache_key=_cache(request, limits, code, place, starter),
    )


def with_defaults(request: JobRequest, code: Code) -> JobRequest:
    """Return the request with the defaults of arguments that its limits compare.

    They are written with the job, so that its keys stay the same however it is run again.
    """
    limits = _limits_of(request, code)
    defaults = {} if limits is None else _defaults_in(code.schema)
    named = written_arguments(limits, defaults) - request.args.keys()
    known = {name: defaults[name] for name in defaults if name in named}
    return structs.replace(request, args={**request.args, **known}) if known else request


def planned(job: Job, plan: Plan, now: Instant) -> Job:
    """Return a new job with what limits it; raises `InvalidJobField` for one that never begins."""
    limits, due_at = plan.limits, job.due_at
    check_begins(limits, job.created_at, due_at, param="run_at")
    if limits.debounce is not None:
        due_at = max(due_at, after(now, limits.debounce.seconds))
        check_begins(limits, job.created_at, due_at, param="limits.debounce.seconds")
    state = JobState.QUEUED
    if due_at > now:
        state = JobState.SCHEDULED
    elif plan.gate is not None:
        state = JobState.WAITING
    expires_at = limits.expires_after(job.created_at, due_at)
    return structs.replace(
        job,
        due_at=due_at,
        state=state,
        limits=plan.text,
        concurrency_key=plan.concurrency_key,
        rate_key=plan.rate_key,
        waits_for=plan.gate[0] if plan.gate is not None and state is JobState.WAITING else None,
        expires_at=None if expires_at is None else Instant(expires_at),
    )


def check_begins(limits: Limits, created_at: Instant, due_at: Instant, *, param: str) -> None:
    """Raise `InvalidJobField` when a job is due only after its time to live."""
    seconds = limits.ttl_seconds
    if seconds is not None and due_at >= after(created_at, seconds):
        raise InvalidJobField(
            param,
            f"such that the job is due less than {seconds:g} s after its enqueue: no attempt may "
            "begin later (limits.ttl_seconds)",
        )


def after(instant: Instant, seconds: float) -> Instant:
    """Return the instant so many seconds later."""
    return Instant(instant + int(seconds * MICROSECONDS_PER_SECOND))


def _limits_of(request: JobRequest, code: Code) -> Limits | None:
    return code.limits if request.limits is None else request.limits.over(code.limits)


@lru_cache(maxsize=256)
def _defaults_in(schema: str) -> Mapping[str, Any]:
    properties = msgspec.json.decode(schema).get("properties", {})
    defaults = {name: one["default"] for name, one in properties.items() if "default" in one}
    # Among the arguments a reference would be followed; as a default it is text.
    return {name: value for name, value in defaults.items() if not any(references_in(value))}


def _key(request: JobRequest, limits: Limits, name: str, scope: str) -> str | None:
    limit = getattr(limits, name)
    if limit is None:
        return None
    if limit.key is None:
        return scope
    key = render(limit.key, request.args, param=f"limits.{name}.key")
    # Else whoever may run anything could widen the limit of what they may not run.
    return f"key:{key}" if key.startswith(_SCOPES) else key


def _stand(request: JobRequest, limits: Limits, name: str, scope: str, place: str) -> str | None:
    """Return the key for which one job stands: who enqueues another sees or replaces that one.

    So keys of one folder are not those of another.
    """
    key = _key(request, limits, name, scope)
    return key if key is None or key == scope else digest(place, key)


def _unique(request: JobRequest, limits: Limits, scope: str, place: str) -> str | None:
    unique = limits.unique
    if unique is None:
        return None
    if unique.key is not None or unique.by is UniqueBy.ALL:
        return _stand(request, limits, "unique", scope, place)
    return digest(scope, request.args)


def _cache(request: JobRequest, limits: Limits, code: Code, place: str, starter: str) -> str | None:
    """Return the key under which a result answers others.

    What a person's rights gave to a job is not for another, who may not have them: by a reference
    among the arguments, or by what the code itself asks for.
    """
    if limits.cache_seconds is None:
        return None
    whose = "" if code.shares and not any(references_in(request.args)) else starter
    return digest(code.content_hash, code.needs, place, whose, request.args)


@lru_cache(maxsize=1024)
def limits_in(text: str) -> Limits:
    """Return the limits of a job from their JSON."""
    return limits_of(text)


def expiry_of(job: Job, now: Instant) -> Instant | None:
    """Return when a job that goes back to wait from `now` on is given up."""
    if job.limits is None:
        return None
    end = limits_in(job.limits).expires_after(job.created_at, max(job.due_at, now))
    return None if end is None else Instant(end)


def result_until(job: Job) -> Instant | None:
    """Return until when the result of a job that has ended is kept; None for the history's time."""
    if job.limits is None or job.result is None or job.finished_at is None:
        return None
    seconds = limits_in(job.limits).result_ttl_seconds
    return None if seconds is None else after(job.finished_at, seconds)


def expired(job: Job, now: Instant) -> Job:
    """Return a job that no worker took in time, at its end."""
    limits = Limits() if job.limits is None else limits_in(job.limits)
    if limits.ttl_seconds is not None and now >= after(job.created_at, limits.ttl_seconds):
        why = f"No attempt may begin later than {limits.ttl_seconds:g} s after the enqueue"
        name = "ttl_seconds"
    else:
        why = f"No worker took it within {limits.queue_timeout_seconds or 0:g} s"
        name = "queue_timeout_seconds"
    error = {
        "type": "JobExpired",
        "code": JOB_EXPIRED,
        "message": f"{why} (limits.{name}).",
        "traceback": "",
    }
    return finished(structs.replace(job, error=to_json(error)), JobState.TIMED_OUT, now=now)


def displaced(job: Job, now: Instant) -> Job:
    """Return a job that its concurrency key has no place for, at its end."""
    limits = Limits() if job.limits is None else limits_in(job.limits)
    rule = limits.concurrency or Concurrency()
    line = "" if rule.waiting_max is None else f", {rule.waiting_max} wait in line"
    error = {
        "type": "ConcurrencyLimit",
        "code": "CONCURRENCY_LIMIT",
        "message": f"The key {job.concurrency_key} has {rule.limit} at once{line}, and its "
        f"strategy is {rule.strategy} (limits.concurrency).",
        "traceback": "",
    }
    ended = finished(structs.replace(job, error=to_json(error)), JobState.CANCELLED, now=now)
    return structs.replace(ended, cancelled_by=CANCELLED_BY)

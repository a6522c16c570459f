"""From a request to a job: every field checked, with an error that names it; no I/O."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.actor import Actor, ActorKind, Origin
from tidemill.core.clock import Instant
from tidemill.jobs.code.functions.models import FUNCTION, check_name, lane_of
from tidemill.jobs.code.scripts.models import WARM_LANGUAGES
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.errors import (
    ArgumentsTooLarge,
    InlineJobsNotAllowed,
    InvalidJobField,
    IsolationNotAllowed,
    JobUnclear,
)
from tidemill.jobs.limits.models import Limits, check_limits
from tidemill.jobs.queueing.queue.limits import QueueLimits
from tidemill.jobs.queueing.queue.models import Job, is_uuid7
from tidemill.jobs.queueing.specs.models import Own
from tidemill.jobs.requirements.models import Requires, as_json, check_requirements

_TAG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=@-]{0,62}")
labels_max: Final = 10
_ISOLATIONS: Final = ("sandbox", "warm", "fork")
_NOWHERE: Final = Origin()
_instant_max: Final = 253_402_300_799_000_000


class Code(Struct, frozen=True, kw_only=True):
    """What a job runs: a version of a script, or content of its own.

    `limits`, `isolation`, `requires`, `affinity_key` and `attempts_max` were deployed with it;
    `needs` tells its packages and imports from others. `shares` is whether a result of it may
    answer other people: then it reads nothing that belongs to one. `schema` is that of its
    arguments, where it is known.
    """

    language: str
    content_hash: str
    script_path: str | None = None
    content: str | None = None
    limits: Limits | None = None
    isolation: str | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    attempts_max: int | None = None
    needs: str = ""
    shares: bool = False
    schema: str = "{}"

    @property
    def scope(self) -> str:
        """Return what runs, whichever version: what keys of limits stand for by themselves."""
        if self.script_path is not None:
            return f"script:{self.script_path}"
        if self.language == FUNCTION:
            return f"function:{self.content}"
        return f"code:{self.content_hash}"


def check(request: JobRequest, limits: QueueLimits) -> None:
    """Raise the error of the first field that is wrong."""
    named = (request.script_path, request.function, request.content)
    if named.count(None) != len(named) - 1:
        raise JobUnclear(
            "Name what to run: either script_path, or function, or language and content.",
            param="script_path",
        )
    if request.content is not None and not limits.inline_allowed:
        raise InlineJobsNotAllowed
    if request.content is not None and request.language is None:
        raise JobUnclear("Say the language of content, such as python.", param="language")
    if request.content is None and request.language is not None:
        raise JobUnclear("What is deployed knows its language; leave it out.", param="language")
    if request.function is not None:
        check_name(request.function)
    if request.tag is not None and not _TAG.fullmatch(request.tag):
        raise InvalidJobField("tag", "1 to 63 characters of a-z, 0-9, '_', '.' and '-'")
    if request.id is not None and not _KEY.fullmatch(request.id):
        raise InvalidJobField("id", "1 to 100 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-'")
    _check_labels(request.labels)
    check_requirements(request.requires, request.affinity_key)
    if request.limits is not None:
        check_limits(request.limits)
    _check_numbers(request, limits)
    # Of a function whose timeout is not known yet, whoever looks it up has to check this.
    if request.function is None or request.timeout_seconds is not None:
        check_heartbeat(request, limits)
    _check_isolation(request, limits)


def requires_by(request: JobRequest, code: Code) -> Requires | None:
    """Return what a job needs of its worker: what it says itself, else what was deployed."""
    return code.requires if request.requires is None else request.requires


def new_job(
    id_: str, request: JobRequest, code: Code, limits: QueueLimits, *, actor: Actor, now: Instant
) -> Job:
    """Return the job that `request` asks for. Raises `ArgumentsTooLarge`, `InvalidJobField`."""
    if request.isolation == "warm" and code.language not in WARM_LANGUAGES:
        raise InvalidJobField("isolation", f"sandbox for {code.language}; python can stay warm")
    args = msgspec.json.encode(request.args)
    if len(args) > limits.args_bytes_max:
        raise ArgumentsTooLarge(len(args), limits.args_bytes_max)
    due_at = request.run_at if request.run_at is not None else now
    # A session ends by itself. What a job's token goes back to is kept, so that the jobs which it
    # starts go back to it too.
    session_id = actor.session_id if actor.kind is ActorKind.JOB else None
    isolation = request.isolation or code.isolation or limits.isolation_default
    if request.function is not None:
        isolation = lane_of(request.function)
    starter = structs.replace(actor, session_id=session_id, origin=_NOWHERE)
    return Job(
        tenant_id=actor.tenant_id,
        id=id_,
        key=request.id if request.id != id_ else None,
        tag=request.tag or limits.tag_default,
        isolation=isolation,
        priority=request.priority or 0,
        state=JobState.SCHEDULED if due_at > now else JobState.QUEUED,
        due_at=max(due_at, now),
        created_at=now,
        actor=_json_of(starter),
        script_path=code.script_path,
        language=code.language,
        content_hash=code.content_hash,
        content=code.content,
        args=args.decode(),
        work_item_id=request.work_item_id,
        trigger_id=request.trigger_id,
        traceparent=actor.origin.traceparent,
        timeout_seconds=request.timeout_seconds
        or min(limits.timeout_seconds_default, limits.timeout_seconds_max),
        attempts=0,
        attempts_max=request.attempts_max or code.attempts_max or limits.attempts_default,
        rescues=0,
        epoch=0,
        worker_id=None,
        started_at=None,
        cancelled_by=None,
        error=None,
        labels=_labels_of(request),
        requires=as_json(requires_by(request, code)),
        affinity_key=request.affinity_key or code.affinity_key,
        own=_own(request, code),
    )


@lru_cache(maxsize=1024)
def _json_of(starter: Actor) -> str:
    return msgspec.json.encode(starter).decode()


def _own(request: JobRequest, code: Code) -> str | None:
    said = (code.limits, code.requires, code.affinity_key, request.isolation)
    if all(one is None for one in said):
        return None
    own = Own(
        limits=request.limits,
        requires=request.requires,
        affinity_key=request.affinity_key is not None,
        isolation=request.isolation is not None,
    )
    return msgspec.json.encode(own).decode()


def fingerprint(request: JobRequest) -> str:
    """Return what tells a repeated request from another one with the same id."""
    # An earlier release wrote 0 for a request that is silent.
    said = structs.replace(request, priority=request.priority or 0)
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def is_label(text: str) -> bool:
    """Return whether `text` can be a label of a job."""
    return _LABEL.fullmatch(text) is not None


def _labels_of(request: JobRequest) -> str | None:
    if not request.labels:
        return None
    return msgspec.json.encode(sorted(set(request.labels))).decode()


def _check_labels(labels: tuple[str, ...]) -> None:
    if labels and (len(labels) > labels_max or not all(map(is_label, labels))):
        raise InvalidJobField(
            "labels",
            f"up to {labels_max} words, each of 1 to 63 characters: letters, digits and "
            "'_.:/=@-', such as customer:acme",
        )


def _check_numbers(request: JobRequest, limits: QueueLimits) -> None:
    if abs(request.priority or 0) > limits.priority_max:
        least, most = -limits.priority_max, limits.priority_max
        raise InvalidJobField("priority", f"a whole number between {least} and {most}")
    seconds = request.timeout_seconds
    if seconds is not None and not 1 <= seconds <= limits.timeout_seconds_max:
        raise InvalidJobField("timeout_seconds", f"between 1 and {limits.timeout_seconds_max}")
    attempts = request.attempts_max
    if attempts is not None and not 1 <= attempts <= limits.attempts_max:
        raise InvalidJobField("attempts_max", f"between 1 and {limits.attempts_max}")
    if request.run_at is not None and not 0 <= request.run_at <= _instant_max:
        raise InvalidJobField("run_at", "an instant between the years 1970 and 9999")


def check_heartbeat(request: JobRequest, limits: QueueLimits) -> None:
    """Raise for a sign of life that is awaited longer than the run may take at all."""
    seconds = None if request.limits is None else request.limits.heartbeat_timeout_seconds
    most = request.timeout_seconds or min(
        limits.timeout_seconds_default, limits.timeout_seconds_max
    )
    if seconds is not None and seconds >= most:
        raise InvalidJobField(
            "limits.heartbeat_timeout_seconds",
            f"less than the job's timeout_seconds, {most}, or it would have no effect",
        )


def _check_isolation(request: JobRequest, limits: QueueLimits) -> None:
    if request.isolation is None:
        return
    if request.function is not None:
        raise JobUnclear("A function runs in its worker; leave isolation out.", param="isolation")
    if request.isolation not in _ISOLATIONS:
        raise InvalidJobField("isolation", " or ".join(_ISOLATIONS))
    if request.isolation not in limits.isolations_allowed:
        raise IsolationNotAllowed(request.isolation)


def is_reference(text: str) -> bool:
    """Return whether `text` can be the id of a job."""
    return is_uuid7(text) or _KEY.fullmatch(text) is not None

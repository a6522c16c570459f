"""What workers from elsewhere say, within what the books can hold.

They may be written by anybody, in any language. A number that no column takes would fail the turn
in which it is written, for everybody's jobs; a result that is no JSON would fail whoever reads it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import structs

from tidemill.jobs.protocol.messages import (
    FromWorker,
    Heartbeat,
    Hello,
    Outcome,
    Outcomes,
    Started,
    Verdict,
)
from tidemill.jobs.protocol.results import is_too_deep, result_levels_max

name_chars_max: Final = 100
host_chars_max: Final = 255
tags_max: Final = 100
labels_max: Final = 100
functions_max: Final = 1_000
early_microseconds_max: Final = 3600 * 1_000_000
"""By how much a worker's clock may be ahead of ours."""
error_chars_max: Final = 64 * 1024
error_fields_max: Final = 20
retry_seconds_max: Final = 30 * 86_400.0
_bytes_max: Final = 1 << 60

_NAME: Final = re.compile(rf"[^@\s\x00-\x1f]{{1,{name_chars_max}}}")
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def faults_of(hello: Hello) -> str | None:
    """Return what is wrong with a greeting from elsewhere, or None."""
    if not _NAME.fullmatch(hello.worker_id):
        return f"A worker's name has 1 to {name_chars_max} characters, none of them '@' or a space."
    if not 0 < len(hello.tags) <= tags_max or not all(map(_TAG.fullmatch, hello.tags)):
        return f"A worker takes 1 to {tags_max} tags of a-z, 0-9, '_', '.' and '-'."
    if len(hello.functions) > functions_max:
        return f"A worker has at most {functions_max} functions."
    if not all(_is_object(function.schema.encode()) for function in hello.functions):
        return "The schema of a function is JSON."
    return _faults_of_machine(hello)


def _faults_of_machine(hello: Hello) -> str | None:
    if len(hello.labels) > labels_max or any(len(one) > name_chars_max for one in hello.labels):
        return f"A worker has at most {labels_max} labels of {name_chars_max} characters."
    if len(hello.host) > host_chars_max or not hello.host.isprintable():
        return f"The host is a name of at most {host_chars_max} characters."
    if not 0 <= (hello.cpu or 0) <= 1e6 or not 0 <= (hello.memory_mib or 0) <= _bytes_max >> 20:
        return "cpu and memory_mib say what the machine has, or nothing."
    return None


def bounded(message: FromWorker, *, now: int, result_bytes_max: int) -> FromWorker:
    """Return `message` with what no worker would say brought within its bounds."""
    match message:
        case Outcome():
            return _outcome(message, now, result_bytes_max)
        case Outcomes():
            ends = tuple(_outcome(one, now, result_bytes_max) for one in message.jobs)
            return structs.replace(message, jobs=ends)
        case Started():
            return structs.replace(message, started_at=_instant(message.started_at, now))
        case Heartbeat():
            return structs.replace(message, resident_bytes=_count(message.resident_bytes))
        case _:
            return message


def _outcome(outcome: Outcome, now: int, result_bytes_max: int) -> Outcome:
    started_at = _instant(outcome.started_at, now)
    seconds = outcome.retry_seconds
    changes: dict[str, Any] = {
        "started_at": started_at,
        "finished_at": max(started_at, _instant(outcome.finished_at, now)),
        "peak_memory_bytes": _count(outcome.peak_memory_bytes),
        "cpu_microseconds": _count(outcome.cpu_microseconds),
        # Not a number compares as false.
        "retry_seconds": seconds
        if seconds is not None and 0 <= seconds <= retry_seconds_max
        else None,
        "error": None if outcome.error is None else _error(outcome.error),
    }
    wrong = _wrong_result(outcome, result_bytes_max)
    if wrong is not None:
        changes["verdict"], changes["result"] = Verdict.FAILED, None
        changes["error"] = {"type": "InvalidResult", "message": wrong, "traceback": ""}
    return structs.replace(outcome, **changes)


def _wrong_result(outcome: Outcome, bytes_max: int) -> str | None:
    if outcome.result is None:
        return None
    if len(outcome.result) > bytes_max:
        return f"The result is over the limit of {bytes_max} bytes. Return where it is instead."
    if not _is_json(outcome.result):
        return "The worker gave a result that is no JSON."
    if is_too_deep(outcome.result):
        return f"The result is nested deeper than {result_levels_max} levels."
    return None


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _is_object(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _error(error: dict[str, str]) -> dict[str, str]:
    kept = list(error.items())[:error_fields_max]
    known = {"type": "Error", "message": "", "traceback": ""}
    return known | {name[:name_chars_max]: text[-error_chars_max:] for name, text in kept}


def _instant(at: int, now: int) -> int:
    return at if 0 <= at <= now + early_microseconds_max else now


def _count(number: int) -> int:
    return number if 0 <= number <= _bytes_max else 0

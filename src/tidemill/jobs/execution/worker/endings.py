"""From how a process ended to what its job came to."""

from __future__ import annotations

import re
import signal
import time
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from tidemill.jobs.execution.isolation.plan import Ending
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.protocol.messages import Assignment, Outcome, Verdict
from tidemill.jobs.protocol.results import is_too_deep, result_levels_max

End: TypeAlias = tuple[Verdict, bytes | None, dict[str, str] | None]
error_chars_max: Final = 64 * 1024
"""How long each part of an error may be."""
# Python and JavaScript write halves of characters, as of a file's name that is no UTF-8; JSON has
# none. Pairs and all other escapes are read along, so that none of these is taken for one.
_HALF: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_HALF_CHARS: Final = len(r"\ud800")


class _Answer(Struct, frozen=True):
    """What a runner writes at the end."""

    result: Raw = Raw()
    error: dict[str, str] | None = None


def answered_end(ending: Ending, collected: Collected, bytes_max: int) -> End:
    """Return the end of a job from the answer that its runner wrote."""
    answer = _read(collected.get()) or _read(_HALF.sub(_whole, collected.get())) or _Answer()
    if answer.error is not None:
        return Verdict.FAILED, None, _trimmed(answer.error)
    if ending.exit_code != 0:
        return Verdict.FAILED, None, exit_error("The script", ending.exit_code)
    result = bytes(answer.result)
    if collected.is_over or len(result) > bytes_max:
        return Verdict.FAILED, None, too_large(bytes_max)
    if not result:
        message = "The script ended its process before main returned."
        return Verdict.FAILED, None, error_of("NoResult", message)
    if is_too_deep(result):
        return Verdict.FAILED, None, too_deep()
    return Verdict.SUCCEEDED, result, None


def _read(answer: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(answer, type=_Answer)
    except (ValueError, RecursionError):
        return None


def _whole(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if len(escape[0]) == _HALF_CHARS else escape[0]


def printed_end(who: str, ending: Ending, last_line: bytes, bytes_max: int) -> End:
    """Return the end of a job whose last line is its result, as JSON or else as text."""
    if ending.exit_code != 0:
        return Verdict.FAILED, None, exit_error(who, ending.exit_code)
    if len(last_line) > bytes_max:
        return Verdict.FAILED, None, too_large(bytes_max)
    if not last_line.strip():
        return Verdict.SUCCEEDED, b"null", None
    try:
        msgspec.json.decode(last_line)
        is_text = is_too_deep(last_line)
    except (ValueError, RecursionError):
        is_text = True
    if is_text:
        text = last_line.decode(errors="replace")
        return Verdict.SUCCEEDED, msgspec.json.encode(text), None
    return Verdict.SUCCEEDED, last_line.strip(), None


def stop_error(verdict: Verdict, assignment: Assignment) -> dict[str, str]:
    """Return the error of a job that was ended early."""
    if verdict is Verdict.TIMED_OUT:
        message = f"The job ran longer than its limit of {assignment.timeout_seconds:g} s."
        return error_of("TimedOut", message)
    if verdict is Verdict.CANCELLED:
        return error_of("Cancelled", "The job was cancelled.")
    return error_of("Lost", "The worker stopped before the job had ended.")


def memory_error(assignment: Assignment) -> dict[str, str]:
    """Return the error of a job that held too much memory."""
    mebibytes = assignment.memory_bytes_max // (1024 * 1024)
    message = f"The job's processes together held more than {mebibytes} MiB of memory."
    return error_of("MemoryLimitExceeded", message)


def exit_error(who: str, code: int) -> dict[str, str]:
    """Return the error of a process that ended by itself, but not well."""
    if code >= 0:
        return error_of("ExitCode", f"{who} ended with exit code {code}.")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return error_of("Killed", f"{who} was ended by {name}.")


def broken_end(assignment: Assignment) -> Outcome:
    """Return the end of a job whose worker failed where nobody had thought of it."""
    now = time.time_ns() // 1000
    return Outcome(
        job_id=assignment.job_id,
        epoch=assignment.epoch,
        verdict=Verdict.FAILED,
        started_at=now,
        finished_at=now,
        error=error_of("WorkerBroke", "The worker failed; see its log."),
        isolation=assignment.isolation,
    )


def too_large(bytes_max: int) -> dict[str, str]:
    """Return the error of a result over its limit."""
    message = (
        f"The result is over the limit of {bytes_max} bytes (jobs.result_bytes_max). Return where "
        "it is instead."
    )
    return error_of("InvalidResult", message)


def too_deep() -> dict[str, str]:
    """Return the error of a result that not everybody could read."""
    message = (
        f"The result is nested deeper than {result_levels_max} levels. Return where it is instead."
    )
    return error_of("InvalidResult", message)


def error_of(kind: str, message: str) -> dict[str, str]:
    """Return an error without a traceback."""
    return {"type": kind, "message": sayable(message), "traceback": ""}


def sayable(text: str) -> str:
    """Return the begin of `text`, with what is no character, as in a file's name, spelled out."""
    return text[:error_chars_max].encode(errors="backslashreplace").decode()


def _trimmed(error: dict[str, str]) -> dict[str, str]:
    # The answer comes from the job's own process, which may write anything.
    return {
        field: error.get(field, "")[-error_chars_max:] for field in ("type", "message", "traceback")
    }

"""Jobs as lines of JSON, and what is wrong with some; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.core.clock import Instant, rfc3339, rfc3339_or_none
from tidemill.core.errors import TidemillError
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import LineError
from tidemill.jobs.queueing.queue.models import Job, raw, starter_of
from tidemill.jobs.steering.control.models import request_of

lines_max: Final = 1_000
format_version: Final = 1


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as a line: `job` is the request for it, the rest says how it stands."""

    format: int
    state: JobState
    job: dict[str, Any]
    created_at: str = ""
    created_by: str = ""
    attempts: int = 0
    finished_at: str | None = None
    result: Any = None
    error: Any = None


class JobImportReport(Struct, frozen=True, kw_only=True):
    """How many lines became jobs; were here `known` already; or had ended, and were `skipped`."""

    lines: int
    imported: int
    known: int
    skipped: int
    dry_run: bool


def line_of(job: Job) -> Line:
    """Return a job as a line; one that runs comes back as one that waits."""
    request = structs.replace(request_of(job), id=job.public_id, parent_id=None, run_at=job.due_at)
    fields = {
        name: value
        for name, value in structs.asdict(request).items()
        if value not in (None, (), {}) and name != "trigger_id"
    }
    fields["run_at"] = rfc3339(Instant(job.due_at))
    starter = starter_of(job)
    return Line(
        format=format_version,
        state=job.state,
        job=fields,
        created_at=rfc3339(job.created_at),
        created_by=starter.user_id or starter.id,
        attempts=job.attempts,
        finished_at=rfc3339_or_none(job.finished_at),
        result=raw(job.result) if job.state.final else None,
        error=None if job.error is None else raw(job.error),
    )


def ends_of(sizes: Sequence[tuple[str, int]], bytes_max: int) -> Iterator[str]:
    """Give the id of the last job of each page, so that none but a single job has more bytes."""
    held, before = 0, None
    for id_, size in sizes:
        if before is not None and held + size > bytes_max:
            yield before
            held = 0
        held, before = held + size, id_
    if before is not None:
        yield before


def line_error(line: int, error: TidemillError) -> LineError:
    """Return what is wrong with a line."""
    return LineError(line=line, code=error.code, message=error.message, param=error.param)


def lines_in(body: bytes) -> list[tuple[int, bytes]]:
    """Return the lines of a body that hold something, with their numbers."""
    split = enumerate(body.split(b"\n"), start=1)
    return [(number, line) for number, line in split if line.strip()]


def parsed(number: int, line: bytes) -> Line | LineError:
    """Return what a line says, or what is wrong with it."""
    try:
        found = msgspec.json.decode(line, type=Line)
    except UnicodeDecodeError:
        told = "The line is not UTF-8. Send it as the export wrote it."
        return LineError(line=number, code="JOB_LINE_UNREADABLE", message=told)
    except RecursionError:
        told = "The line's values are nested too deep. Nest them less."
        return LineError(line=number, code="JOB_LINE_UNREADABLE", message=told)
    except msgspec.MsgspecError as error:
        return LineError(line=number, code="JOB_LINE_UNREADABLE", message=f"{error}.")
    if found.format != format_version:
        told = f"This release reads format {format_version}; the line has {found.format}."
        return LineError(line=number, code="JOB_LINE_UNREADABLE", message=told, param="format")
    if not found.job.get("id"):
        told = "A line needs job.id, so that it is imported once."
        return LineError(line=number, code="JOB_LINE_UNREADABLE", message=told, param="job.id")
    return found

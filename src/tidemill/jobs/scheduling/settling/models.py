"""How runs end, and who hears of it; no I/O."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from tidemill.core.clock import Instant, rfc3339, rfc3339_or_none
from tidemill.jobs.contract import JobState
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState
from tidemill.jobs.scheduling.schedules.models import Handler, Schedule

HANDLER: str = "schedule-handler:"
"""What the `trigger_id` of a handler's job begins with; the occurrence's id follows."""


class Ended(Struct, frozen=True, kw_only=True):
    """How the job of an occurrence ended; `error` is a message."""

    state: JobState
    started_at: Instant | None = None
    finished_at: Instant | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None


def handlers_for(schedule: Schedule, state: OccurrenceState) -> dict[str, Handler]:
    """Return the handlers that hear of a run that ended so, by the names of their fields."""
    wanted = {"on_failure"}
    if state is OccurrenceState.SUCCEEDED:
        wanted = {"on_success", "on_recovery"} if schedule.failures else {"on_success"}
    handlers = schedule.definition.handlers
    return {name: handler for name, handler in handlers.items() if name in wanted}


def run_data(schedule: Schedule, occurrence: Occurrence, ended: Ended) -> dict[str, Any]:
    """Return what a handler hears of a run."""
    return {
        "schedule": schedule.path,
        "script_path": schedule.definition.script_path,
        "function": schedule.definition.function,
        "occurrence_id": occurrence.id,
        "job_id": occurrence.job_id,
        "due_at": rfc3339(occurrence.due_at),
        "state": str(ended.state),
        "started_at": rfc3339_or_none(ended.started_at),
        "finished_at": rfc3339_or_none(ended.finished_at),
        "result": _read(ended.result),
        "error": ended.error,
        "failures_before": schedule.failures,
    }


def _read(result: msgspec.Raw) -> Any:
    """Return a result as plain data; as its text where that cannot be, for the run has ended."""
    try:
        return msgspec.json.decode(result)
    except (ValueError, RecursionError):
        return bytes(result).decode(errors="replace")

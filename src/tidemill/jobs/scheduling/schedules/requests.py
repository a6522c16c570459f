"""From a schedule to the job that it starts; no I/O."""

from __future__ import annotations

from typing import Any

from tidemill.core.clock import Instant, rfc3339
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.scheduling.schedules.models import Definition, Handler

run_argument = "run"
"""The argument in which a handler hears of the run."""


def job_request(
    definition: Definition, due_at: Instant, *, trigger_id: str | None = None
) -> JobRequest:
    """Return the request for the job of a due time."""
    args = dict(definition.args)
    if definition.due_argument is not None:
        args[definition.due_argument] = rfc3339(due_at)
    return JobRequest(
        script_path=None if definition.script_path is None else definition.script_path.strip("/"),
        function=definition.function,
        args=args,
        tag=definition.tag,
        priority=definition.priority,
        timeout_seconds=definition.timeout_seconds,
        attempts_max=definition.attempts_max,
        isolation=definition.isolation,
        requires=definition.requires,
        affinity_key=definition.affinity_key,
        trigger_id=trigger_id,
    )


def handler_request(
    handler: Handler, run: dict[str, Any], *, trigger_id: str | None = None
) -> JobRequest:
    """Return the request for the job of a handler, which hears of `run`."""
    return JobRequest(
        script_path=None if handler.script_path is None else handler.script_path.strip("/"),
        function=handler.function,
        args={**handler.args, run_argument: run},
        trigger_id=trigger_id,
    )

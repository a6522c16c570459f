"""The spans of a job: `enqueue` where it comes in, `job.run` for each attempt."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.tracing import Span, SpanKind, tracer
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.protocol.messages import Assignment, Outcome, Verdict


def begin_enqueue(request: JobRequest, actor: Actor, tag: str) -> tuple[Actor, Span | None]:
    """Return the actor as whom the job comes in, which leads to the span, and the span."""
    tracing = tracer()
    if tracing is None:
        return actor, None
    attributes = {
        "tidemill.tenant.id": actor.tenant_id,
        "tidemill.job.tag": tag,
        "tidemill.job.script": request.script_path or request.function or request.language or "",
    }
    span = tracing.start("enqueue", SpanKind.PRODUCER, actor.origin.traceparent, attributes)
    origin = structs.replace(actor.origin, traceparent=span.traceparent)
    return structs.replace(actor, origin=origin), span


def end_enqueue(span: Span, job_id: str) -> None:
    """Say that the job is durable."""
    span.end({"tidemill.job.id": job_id})


def begin_run(assignment: Assignment) -> tuple[Assignment, Span | None]:
    """Return the assignment of an attempt that begins, whose code goes on from the span."""
    tracing = tracer()
    if tracing is None:
        return assignment, None
    script = assignment.script_path
    if script is None:
        is_function = assignment.language == "function"
        script = assignment.content if is_function else assignment.language
    attributes: dict[str, str | int] = {
        "tidemill.tenant.id": assignment.tenant_id,
        "tidemill.job.id": assignment.job_id,
        "tidemill.job.attempt": assignment.attempt,
        "tidemill.job.script": script,
        "tidemill.job.isolation": assignment.isolation,
    }
    span = tracing.start("job.run", SpanKind.CONSUMER, assignment.traceparent, attributes)
    return structs.replace(assignment, traceparent=span.traceparent), span


def end_run(span: Span, outcome: Outcome) -> None:
    """Say how an attempt ended."""
    error = None
    if outcome.verdict is not Verdict.SUCCEEDED:
        error = f"{outcome.verdict}: {(outcome.error or {}).get('message', '')}".rstrip(": ")
    span.end({"tidemill.job.verdict": outcome.verdict}, error=error)

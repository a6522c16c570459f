"""What each log line says of the request that it belongs to.

The fields are asked for when a line is written, not when a request comes: most requests write one
line, and what they know of their caller changes on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, Protocol


class LogFields(Protocol):
    """Something that happens, and what its log lines say of it."""

    def log_fields(self) -> Mapping[str, str]:
        """Return the fields of a line that is written now."""
        ...


_PARTS: Final = 4  # Version, trace, span, flags.

LOG_CONTEXT: Final[ContextVar[LogFields | None]] = ContextVar("log context", default=None)


def trace_fields(traceparent: str | None) -> Mapping[str, str]:
    """Return the ids of a W3C `traceparent`; none of one in another form.

    It is not refused here: whatever a job came in with, the job runs, and its lines are written.
    """
    parts = () if traceparent is None else traceparent.split("-", 3)
    return {"trace_id": parts[1], "span_id": parts[2]} if len(parts) == _PARTS else {}


class JobLike(Protocol):
    """What is known of a job wherever it is spoken of."""

    @property
    def id(self) -> str: ...  # noqa: D102 - said above

    @property
    def tenant_id(self) -> str: ...  # noqa: D102 - said above

    @property
    def traceparent(self) -> str | None: ...  # noqa: D102 - said above


def job_fields(job: JobLike) -> Mapping[str, str]:
    """Return what a line about a job says of it, so that all lines of one job can be found."""
    return {"job_id": job.id, "tenant_id": job.tenant_id, **trace_fields(job.traceparent)}

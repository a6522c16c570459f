"""Bodies of attempts."""

from __future__ import annotations

from typing import Any, Self

import msgspec
from msgspec import structs

from tidemill.core.clock import rfc3339_or_none
from tidemill.http import PageView, View
from tidemill.jobs.queueing.queue.schemas import error_in_list
from tidemill.jobs.records.attempts.models import Attempt


class AttemptView(View, frozen=True, kw_only=True):
    """One attempt of a job. `outcome` is a state of jobs, or `lost` where its worker was lost.

    `execution` counts each time that the job was given to a worker, also when it was given back.

    Lists show of a long `error` only the beginning of its words, and say so by `error_truncated`;
    `GET /jobs/{id}/attempts/{attempt}` shows all.
    """

    attempt: int
    execution: int
    worker_id: str | None
    started_at: str | None
    finished_at: str | None
    outcome: str
    error: dict[str, Any] | None
    peak_memory_bytes: int
    cpu_microseconds: int
    error_truncated: bool = False

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return the view of `attempt`."""
        return cls(
            attempt=attempt.attempt,
            execution=attempt.epoch,
            worker_id=attempt.worker_id,
            started_at=rfc3339_or_none(attempt.started_at),
            finished_at=rfc3339_or_none(attempt.finished_at),
            outcome=attempt.outcome,
            error=None if attempt.error is None else msgspec.json.decode(attempt.error),
            peak_memory_bytes=attempt.peak_memory_bytes,
            cpu_microseconds=attempt.cpu_microseconds,
        )

    @classmethod
    def listed(cls, attempt: Attempt) -> Self:
        """Return the view of an attempt of a list, with the beginnings of a long error's words."""
        short = error_in_list(attempt.error)
        if short is None:
            return cls.of(attempt)
        view = cls.of(structs.replace(attempt, error=short))
        return structs.replace(view, error_truncated=True)


class AttemptPage(PageView, frozen=True, kw_only=True):
    """A part of the attempts of a job, the first one first."""

    items: list[AttemptView]

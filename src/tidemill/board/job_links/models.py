"""Which job an item shows, and how much of its result."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import structs

from tidemill.board.contract import JobSummary

_error_chars_max: Final = 500


def supersedes(new: JobSummary, shown: JobSummary | None) -> bool:
    """Return whether an item that shows `shown` shall show `new` instead.

    The job that was started last stays on the item, whatever order jobs end in.
    """
    if shown is None:
        return True
    if new.id == shown.id:
        return shown.finished_at is None or new.finished_at is not None
    return new.queued_at >= shown.queued_at


def excerpt(summary: JobSummary, *, bytes_max: int) -> JobSummary:
    """Return `summary` with a result of at most `bytes_max` bytes and a short error."""
    error = summary.error
    if error is not None and len(error) > _error_chars_max:
        error = f"{error[: _error_chars_max - 1]}…"
    raw = bytes(summary.result)
    if len(raw) <= bytes_max:
        return structs.replace(summary, error=error)
    beginning = raw[:bytes_max].decode(errors="ignore")
    return structs.replace(
        summary,
        error=error,
        result=msgspec.Raw(msgspec.json.encode(beginning)),
        truncated=True,
    )

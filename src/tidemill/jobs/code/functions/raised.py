"""What a function raised, as a job's error tells it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection

from tidemill.jobs.code.functions.context import JobCancelled
from tidemill.jobs.execution.worker.endings import error_chars_max, error_of, sayable


def told_of(error: BaseException, own_files: Collection[str]) -> dict[str, str]:
    """Return type, message and traceback, which begins after the frames of the worker's files."""
    if isinstance(error, JobCancelled | asyncio.CancelledError):
        message = "The function ended itself as if its job had been cancelled."
        return error_of(type(error).__name__, message)
    trace = frame = error.__traceback__
    while frame is not None:
        # The frames up to here are the worker's own, and those of its pool.
        if frame.tb_frame.f_code.co_filename in own_files:
            trace = frame.tb_next
        frame = frame.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ in {"builtins", "__main__"}
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    return {
        "type": sayable(name),
        "message": sayable(str(error)),
        "traceback": sayable("".join(lines)[-error_chars_max:]),
    }


def tamed(error: BaseException) -> RuntimeError:
    """Return what stands for an error that would end the worker's loop."""
    stand_in = RuntimeError(f"The function raised {error!r}.")
    stand_in.__cause__ = error
    return stand_in

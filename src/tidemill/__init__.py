"""Tidemill: plan work, run it, and let models help, as one system.

The library's names are loaded when they are used first, so that importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidemill import context, errors
    from tidemill.library import (
        Changed,
        Concurrency,
        Debounce,
        JobCancelled,
        JobFailed,
        JobFunction,
        JobHandle,
        JobInfo,
        JobPage,
        Jobs,
        JobSchedule,
        JobState,
        JobTimedOut,
        Limits,
        NotInTransaction,
        OnConflict,
        Rate,
        Requires,
        ResultExpired,
        Retry,
        RetryAfter,
        Strategy,
        Tidemill,
        Unique,
        UniqueBy,
        create_outbox,
        job,
    )

__version__ = "0.1.0"
__all__ = [
    "Changed",
    "Concurrency",
    "Debounce",
    "JobCancelled",
    "JobFailed",
    "JobFunction",
    "JobHandle",
    "JobInfo",
    "JobPage",
    "JobSchedule",
    "JobState",
    "JobTimedOut",
    "Jobs",
    "Limits",
    "NotInTransaction",
    "OnConflict",
    "Rate",
    "Requires",
    "ResultExpired",
    "Retry",
    "RetryAfter",
    "Strategy",
    "Tidemill",
    "Unique",
    "UniqueBy",
    "__version__",
    "context",
    "create_outbox",
    "errors",
    "job",
]


def __getattr__(name: str) -> Any:
    if name in ("context", "errors"):
        return importlib.import_module(f"tidemill.{name}")
    if name in __all__:
        return getattr(importlib.import_module("tidemill.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

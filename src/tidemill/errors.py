"""What the library raises, to be caught by name: `from tidemill import errors`.

Errors of results and transactions, such as `JobFailed`, are `tidemill`'s own. What only a running
function meets, such as `Refused`, is in `tidemill.context`.

>>> try:
...     job = await charge.enqueue("seven")
... except tidemill.errors.ArgumentsInvalid as wrong:
...     print(wrong.param)
args.number
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tidemill.core.errors import InvalidInput
from tidemill.core.ids import InvalidTenantId
from tidemill.core.pages import InvalidCursor
from tidemill.core.store_errors import StoreUnavailable
from tidemill.jobs.code.functions.http_api import NoRights
from tidemill.jobs.code.functions.registry import FunctionNameTaken
from tidemill.jobs.code.functions.signatures import SignatureUnusable
from tidemill.jobs.control_errors import (
    FilterMissing,
    FilterStateWrong,
    JobNotRetriable,
    JobNotWaiting,
    JobRetriedAlready,
)
from tidemill.jobs.errors import (
    ArgumentsInvalid,
    ArgumentsTooLarge,
    InvalidJobField,
    JobIdTaken,
    JobNotFound,
    QueueFull,
)
from tidemill.jobs.limit_errors import JobNotUnique, LimitKeyUnclear
from tidemill.jobs.schedule_errors import (
    InvalidSchedulePath,
    ScheduleCycle,
    ScheduleInUse,
    ScheduleInvalid,
    ScheduleNotFound,
    TooManySchedules,
)
from tidemill.jobs.strategy_errors import (
    InvalidStrategy,
    NoWorkerCouldRun,
    RequirementWithoutEffect,
    StrategyInUse,
)
from tidemill.library.errors import ConnectionUnknown, NoDatabase

if TYPE_CHECKING:
    from tidemill.runtime.queue import (
        BusUnavailable,
        DatabaseUnusable,
        DataDirectoryInUse,
        MigrationFailed,
        OutboxMissing,
        TooManyWorkers,
        WrongDatabase,
    )

__all__ = [
    "ArgumentsInvalid",
    "ArgumentsTooLarge",
    "BusUnavailable",
    "ConnectionUnknown",
    "DataDirectoryInUse",
    "DatabaseUnusable",
    "FilterMissing",
    "FilterStateWrong",
    "FunctionNameTaken",
    "InvalidCursor",
    "InvalidInput",
    "InvalidJobField",
    "InvalidSchedulePath",
    "InvalidStrategy",
    "InvalidTenantId",
    "JobIdTaken",
    "JobNotFound",
    "JobNotRetriable",
    "JobNotUnique",
    "JobNotWaiting",
    "JobRetriedAlready",
    "LimitKeyUnclear",
    "MigrationFailed",
    "NoDatabase",
    "NoRights",
    "NoWorkerCouldRun",
    "OutboxMissing",
    "QueueFull",
    "RequirementWithoutEffect",
    "ScheduleCycle",
    "ScheduleInUse",
    "ScheduleInvalid",
    "ScheduleNotFound",
    "SignatureUnusable",
    "StoreUnavailable",
    "StrategyInUse",
    "TooManySchedules",
    "TooManyWorkers",
    "WrongDatabase",
]


def __getattr__(name: str) -> Any:
    # What runs a queue takes long to import; nobody has met its errors before it was loaded.
    if name in __all__:
        return getattr(importlib.import_module("tidemill.runtime.queue"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

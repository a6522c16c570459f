"""The schema of an installation's stores, for the command line."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from tidemill.core.config import Config
from tidemill.infrastructure.database.migrate import (
    Failure,
    Migrator,
    Progress,
    Report,
    StoreStatus,
    open_migrator,
)
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse
from tidemill.runtime.adapters import database_options
from tidemill.runtime.clock import SystemClock

__all__ = [
    "DataDirectoryInUse",
    "Failure",
    "Migrator",
    "Progress",
    "Report",
    "StoreStatus",
    "open_schema",
]


@contextlib.asynccontextmanager
async def open_schema(config: Config) -> AsyncIterator[Migrator]:
    """Reach the stores of `config` to look at their schema or change it.

    Raises `DataDirectoryInUse` while a process has the SQLite files open, and
    `StoreUnavailable`.
    """
    async with open_migrator(database_options(config), SystemClock()) as migrator:
        yield migrator

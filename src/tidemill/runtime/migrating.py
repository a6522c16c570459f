"""The schema of an installation's stores, for the command line."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from tidemill.core.config import Config
from tidemill.infrastructure.database.migrate import (
    Failure,
    Inspector,
    Migrator,
    Progress,
    Report,
    StoreNotFound,
    StoreStatus,
    Undoing,
    open_inspector,
    open_migrator,
)
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse
from tidemill.runtime.adapters import database_options
from tidemill.runtime.clock import SystemClock

__all__ = [
    "DataDirectoryInUse",
    "Failure",
    "Inspector",
    "Migrator",
    "Progress",
    "Report",
    "StoreNotFound",
    "StoreStatus",
    "Undoing",
    "inspect_schema",
    "open_schema",
]


@contextlib.asynccontextmanager
async def inspect_schema(config: Config) -> AsyncIterator[Inspector]:
    """Reach the stores of `config` to look at their schema, also while a server runs.

    Raises `StoreUnavailable`.
    """
    async with open_inspector(database_options(config), SystemClock()) as inspector:
        yield inspector


@contextlib.asynccontextmanager
async def open_schema(config: Config) -> AsyncIterator[Migrator]:
    """Reach the stores of `config` to change their schema.

    Raises `DataDirectoryInUse` while a process has the SQLite files open, and
    `StoreUnavailable`.
    """
    async with open_migrator(database_options(config), SystemClock()) as migrator:
        yield migrator

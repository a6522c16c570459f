"""Lets a connection read what a guard allows, and no longer than it says."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tidemill.core.ports import ReadGuard
from tidemill.core.store_errors import ReadTookTooLong
from tidemill.infrastructure.database.sql import StatementRefused

# A look at the clock for each thousand of steps is not felt, and a step takes no time.
_steps_between_looks: Final = 1_000


@contextmanager
def guarded(connection: sqlite3.Connection, guard: ReadGuard) -> Iterator[None]:
    """Hold the statements of the block to `guard`.

    Raises `ReadTookTooLong`, and `StatementRefused` for what the guard does not name.
    """
    until = time.monotonic() + guard.milliseconds_max / 1_000

    denied: list[str] = []

    def authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if _is_allowed(guard, action, first, second):
            return sqlite3.SQLITE_OK
        denied.append(f"{action} {first} {second}")
        return sqlite3.SQLITE_DENY

    connection.set_authorizer(authorise)
    connection.set_progress_handler(lambda: time.monotonic() > until, _steps_between_looks)
    try:
        yield
    except sqlite3.DatabaseError as error:
        if denied:
            raise StatementRefused(f"The guard of a read forbids it: {denied[0]}") from error
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise ReadTookTooLong(guard.milliseconds_max) from error
        raise
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)


def _is_allowed(guard: ReadGuard, action: int, first: str | None, second: str | None) -> bool:
    if action == sqlite3.SQLITE_READ:
        return first in guard.tables
    if action == sqlite3.SQLITE_FUNCTION:
        return second in guard.functions
    return action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}

"""Opens SQLite files and tells failures of the machine from mistakes of a statement."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from tidemill.core.ports import StoreKind
from tidemill.core.store_errors import ConstraintViolated, StoreUnavailable

_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "it is locked by another process",
    sqlite3.SQLITE_LOCKED: "it is locked",
    sqlite3.SQLITE_NOMEM: "memory is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "its lock cannot be taken",
    sqlite3.SQLITE_NOTADB: "its file is not a database",
    sqlite3.SQLITE_READONLY: "its file is read-only",
}
# After these nobody knows what reached the disk: the connection must not be used again.
_FATAL: Final = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
)
# No wait and no new connection heals these.
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
damaged_reasons: Final = frozenset(_UNAVAILABLE[code] for code in _DAMAGED)
_REFUSED: Final = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
    }
)


class Cache(Struct, frozen=True):
    """What a connection may keep in memory."""

    kib: int
    statements: int


class Pragmas(Struct, frozen=True):
    """What each connection is set to."""

    synchronous: str
    busy_timeout_ms: int
    cache: Cache


def connect(path: Path, pragmas: Pragmas, *, writable: bool) -> sqlite3.Connection:
    """Return a connection to `path` in write-ahead mode, or a read-only one."""
    if writable:
        _make_private(path)
    connection = sqlite3.connect(
        path,
        timeout=pragmas.busy_timeout_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=pragmas.cache.statements,
    )
    try:
        if writable:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            connection.execute(f"PRAGMA synchronous={pragmas.synchronous}")
            connection.execute("PRAGMA journal_size_limit=67108864")
        else:
            connection.execute("PRAGMA query_only=ON")
        # Its own knows the letters of ASCII alone, and PostgreSQL all of them.
        connection.create_function("lower", 1, _lower, deterministic=True)
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{pragmas.cache.kib}")
    except BaseException:
        connection.close()
        raise
    return connection


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


def unavailable_reason(error: BaseException) -> str | None:
    """Return why the file cannot be used, or None when the statement itself was wrong."""
    if isinstance(error, sqlite3.Error):
        return _UNAVAILABLE.get(_code(error) & 0xFF)
    if isinstance(error, OSError):
        return error.strerror or "the disk failed"
    return None


def store_unavailable(
    kind: StoreKind, path: Path, error: BaseException, *, shows_path: bool = False
) -> StoreUnavailable | None:
    """Return why the store in `path` cannot be used, or None as `unavailable_reason` does.

    With `shows_path` it says where the file is; that is for people at the machine, not for callers
    of the API.
    """
    reason = unavailable_reason(error)
    if reason is None:
        return None
    return StoreUnavailable(
        kind,
        f"{reason} ({path})" if shows_path else reason,
        tenant=path.parent.name if kind is StoreKind.TENANT else None,
        damaged=isinstance(error, sqlite3.Error) and (_code(error) & 0xFF) in _DAMAGED,
    )


def is_fatal(error: BaseException) -> bool:
    """Whether the connection must be closed and opened again before it is used."""
    return isinstance(error, sqlite3.Error) and (_code(error) & 0xFF) in _FATAL


def is_refused_write(error: BaseException) -> bool:
    """Whether a transaction that only reads tried to write: a mistake of the use case."""
    return isinstance(error, sqlite3.Error) and (_code(error) & 0xFF) == sqlite3.SQLITE_READONLY


def translated(error: BaseException) -> BaseException:
    """Return `error`, or what both databases call it."""
    if isinstance(error, sqlite3.IntegrityError) and _code(error) in _REFUSED:
        violated = ConstraintViolated(str(error))
        violated.__cause__ = error
        return violated
    return error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", None) or 0


def _make_private(path: Path) -> None:
    # SQLite makes files that everybody can read; its journals get the mode of the file.
    with suppress(OSError):  # What cannot be made here fails below, with a reason.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

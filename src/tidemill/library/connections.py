"""The connection of a program, whichever library it comes from, as `enqueue_in` needs it."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from tidemill.library.errors import ConnectionUnknown, NotInTransaction

_SQLITE: Final = (
    "give one of sqlite3, or of SQLAlchemy or Django on a SQLite file, that is synchronous. On "
    "PostgreSQL enqueue_in needs no outbox: leave create_outbox out there."
)
_LAYERS: Final = frozenset({"sqlalchemy", "django"})
_EXPECTED: Final = "give one of asyncpg, psycopg, sqlite3, SQLAlchemy (a session, too) or Django."


def raw_sync(connection: Any) -> Any:
    """Return the driver's own synchronous connection, in its transaction."""
    kind = _kind(connection)
    if kind == "sqlalchemy":
        bound = connection.connection() if callable(connection.connection) else connection
        # The first statement opens the transaction at the driver, too.
        bound.exec_driver_sql("SELECT 1")
        return bound.connection.driver_connection
    if kind == "django":
        if not connection.in_atomic_block:
            raise NotInTransaction
        connection.ensure_connection()
        return connection.connection
    if isinstance(connection, sqlite3.Connection) or kind in {"psycopg", "asyncpg"}:
        return connection
    raise ConnectionUnknown(connection, _EXPECTED)


def raw_sqlite(connection: Any) -> sqlite3.Connection:
    """Return the driver's own connection to a SQLite file; raises `ConnectionUnknown`."""
    known = isinstance(connection, sqlite3.Connection) or _kind(connection) in _LAYERS
    own = raw_sync(connection) if known and not _is_async(connection) else connection
    if not isinstance(own, sqlite3.Connection):
        raise ConnectionUnknown(own, _SQLITE)
    return own


async def raw(connection: Any) -> Any:
    """Return the driver's own connection, in its transaction."""
    if _kind(connection) != "sqlalchemy" or not _is_async(connection):
        return raw_sync(connection)
    bound = (
        connection if hasattr(connection, "get_raw_connection") else await connection.connection()
    )
    await bound.exec_driver_sql("SELECT 1")
    return (await bound.get_raw_connection()).driver_connection


def _kind(connection: Any) -> str:
    return type(connection).__module__.partition(".")[0]


def _is_async(connection: Any) -> bool:
    return ".ext.asyncio" in type(connection).__module__

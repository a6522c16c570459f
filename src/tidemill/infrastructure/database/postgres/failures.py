"""Tells failures of the server from mistakes of a statement, and what may be tried again."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tidemill.core.errors import InvalidInput
from tidemill.core.store_errors import ConstraintViolated, StoreUnavailable
from tidemill.infrastructure.database.transaction import RunAgain

_CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})
_REASONS: Final = {
    "53100": "the disk is full",
    "53200": "memory is full",
    "53300": "it takes no more connections",
    "57014": "a statement took too long",
    "57P01": "the server shuts down",
    "57P02": "the server crashed",
    "57P03": "the server starts",
    "25P03": "a transaction was idle for too long",
    "25006": "it is read-only",
    "58030": "the disk failed",
    "28000": "the login was refused",
    "28P01": "the password was refused",
    "3D000": "the database does not exist",
}
_PORT_DEFAULT: Final = 5432
_WRONG_URL: Final = frozenset({"28000", "28P01", "3D000"})
_REFUSED: Final = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)


def is_conflict(error: BaseException) -> bool:
    """Whether the same use case may well succeed when it is run again."""
    if isinstance(error, RunAgain | asyncpg.InvalidCachedStatementError):
        return True
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _CONFLICTS


def is_disconnection(error: BaseException) -> bool:
    """Whether the connection was lost, or never made."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith("08") or state in {"57P01", "57P02", "57P03"}
    if isinstance(error, TimeoutError):
        return False  # Whoever waited for so long does not want to wait again.
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error) or "released" in str(error)
    # A server that ends an idle connection leaves the driver in a state of its own.
    return isinstance(error, OSError | asyncpg.InternalClientError)


def unavailable_reason(error: BaseException) -> str | None:
    """Return why the store cannot be used, or None when the statement itself was wrong."""
    if isinstance(error, RunAgain) or is_conflict(error):
        return "other transactions stand in the way"
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _REASONS:
        return _REASONS[error.sqlstate]
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if is_disconnection(error):
        return "the connection to the server failed"
    return None


def store_unavailable(
    store: str, error: BaseException, *, url: str | None = None
) -> StoreUnavailable | None:
    """Return why `store` cannot be used and what to do, or None as `unavailable_reason` does.

    With the `url` it says where the server was looked for, without user and password; that is for
    whoever starts a process, not for callers of the API.
    """
    reason = unavailable_reason(error)
    if reason is None:
        return None
    if url is not None and (place := _place_of(url)):
        reason = f"{reason} ({place})"
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _WRONG_URL:
        advice = "Correct the URL of the database; on a server that is `database.url`."
        return StoreUnavailable(store, reason, advice=advice)
    return StoreUnavailable(store, reason)


def _place_of(url: str) -> str:
    """Return host and port of a database's URL; nothing where it does not tell them clearly."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT_DEFAULT
        if "@" in parts.path + parts.query + parts.fragment or "," in parts.netloc:
            return ""  # A password that is not escaped, or several servers.
        host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if host else ""


def translated(error: BaseException) -> BaseException:
    """Return `error`, or what both databases call it."""
    if isinstance(error, _REFUSED):
        violated = ConstraintViolated(error.constraint_name or str(error))
        violated.__cause__ = error
        return violated
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return InvalidInput("Text may not hold the character U+0000.")
    return error

"""Makes durable what was done, and says so when nobody knows whether it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from tidemill.core.ports import Row, Value
from tidemill.infrastructure.database.postgres.failures import is_disconnection

T = TypeVar("T")

_commit_seconds_max: Final = 5.0
"""How long a commit may still take once its caller is cancelled."""


class CommitLost(Exception):
    """The connection was lost while something was made durable: it counts, or it does not."""


async def commit(connection: Any) -> None:
    """End the transaction."""
    status = await _told(lambda: connection.execute("COMMIT"))
    if status != "COMMIT":
        raise RuntimeError("The transaction was aborted by a statement whose error was swallowed.")


async def execute_alone(connection: Any, sql: str, arguments: Sequence[Value]) -> None:
    """Run a statement that is a transaction by itself."""
    _must_be_open(connection)
    await _told(lambda: connection.execute(sql, *arguments))


async def counted(connection: Any, sql: str, arguments: Sequence[Value]) -> Sequence[Row]:
    """Return the rows of a statement that is a transaction by itself.

    A caller who is cancelled waits for its end, as the connection is to be used again.
    """
    _must_be_open(connection)
    rows: list[Sequence[Row]] = []

    async def fetch() -> None:
        rows.append(await _told(lambda: connection.fetch(sql, *arguments)))

    cancelled = await to_its_end(fetch())
    if cancelled is not None:
        raise cancelled
    return rows[0]


async def to_its_end(committing: Coroutine[Any, Any, None]) -> asyncio.CancelledError | None:
    """Await a commit although the caller is cancelled; return the cancellation, if one came.

    Cut off in the middle it may count or not, and nobody would know.
    """
    task = asyncio.ensure_future(committing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        done, _ = await asyncio.wait({task}, timeout=_commit_seconds_max)
        if not done or task.exception() is not None:
            raise
        return cancelled
    finally:
        # Cancelled once more, the caller gives back a connection that must not be busy still.
        task.cancel()
    return None


def _must_be_open(connection: Any) -> None:
    if connection.is_closed():
        # Nothing was sent, so that it can be tried again.
        raise asyncpg.ConnectionDoesNotExistError("The connection was closed.")


async def _told(work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except Exception as error:
        if is_disconnection(error):
            raise CommitLost from error
        raise

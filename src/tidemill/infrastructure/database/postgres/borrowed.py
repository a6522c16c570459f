"""A transaction that belongs to somebody else's program, on its own connection.

The drivers are told apart by what they offer, so that none of them is needed here.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Row, StoreKind, Tx, Value
from tidemill.infrastructure.database.postgres.bridge import run_bridged, wait_for
from tidemill.infrastructure.database.sql import Statement, parse
from tidemill.infrastructure.database.transaction import BaseTx

T = TypeVar("T")

_SEARCH_PATH: Final = "SELECT current_setting('search_path')"
_SET_SEARCH_PATH: Final = "SELECT set_config('search_path', $1, true)"
_NOTIFY: Final = "SELECT pg_notify($1, $2)"
_IDLE: Final = 0


class Driver(Protocol):
    """How a driver runs a statement with `$1` parameters."""

    def fetch(self, sql: str, arguments: Sequence[Value]) -> Sequence[Row]:
        """Return the rows."""
        ...

    def execute(self, sql: str, arguments: Sequence[Value]) -> int:
        """Return how many rows were changed."""
        ...


class Borrowed:
    """An open transaction of a connection; raises `TypeError` for what is none of PostgreSQL."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        kind = type(connection).__module__.partition(".")[0]
        if kind == "asyncpg":
            self.is_async = True
            self._driver: Driver = _Asyncpg(connection)
            self.in_transaction = bool(connection.is_in_transaction())
        elif kind == "psycopg":
            self.is_async = inspect.iscoroutinefunction(connection.execute)
            self._driver = _Psycopg(connection, wait_for if self.is_async else _plain)
            idle = int(connection.info.transaction_status) == _IDLE
            self.in_transaction = not (connection.autocommit and idle)
        else:
            raise TypeError(kind)

    async def run(self, work: Callable[[Driver], T]) -> T:
        """Run `work` on an asynchronous driver."""
        return await run_bridged(lambda: work(self._driver))

    def run_sync(self, work: Callable[[Driver], T]) -> T:
        """Run `work` on a synchronous driver."""
        return work(self._driver)


def within(
    driver: Driver,
    schema: str,
    tenant: TenantId,
    now: Instant,
    use_case: Callable[[Tx], T],
    *,
    notify: tuple[str, str],
) -> T:
    """Run `use_case` in the borrowed transaction, and leave the connection as it was.

    The notification goes out when the program commits.
    """
    before = driver.fetch(_SEARCH_PATH, ())[0][0]
    driver.fetch(_SET_SEARCH_PATH, (f'"{schema}"',))
    try:
        tx = _BorrowedTx(driver, tenant, now)
        result = use_case(tx)
        tx.finish()
        driver.fetch(_NOTIFY, notify)
    except BaseException:
        # After an error of the server itself the program has to roll back, which undoes it, too.
        with suppress(Exception):
            driver.fetch(_SET_SEARCH_PATH, (before,))
        raise
    driver.fetch(_SET_SEARCH_PATH, (before,))
    return result


class _BorrowedTx(BaseTx):
    dialect = "postgres"

    def __init__(self, driver: Driver, tenant: TenantId, now: Instant) -> None:
        super().__init__(StoreKind.JOBS, tenant, now, writable=True)
        self._driver = driver

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """See `Tx.execute`."""
        statement = parse(sql)
        return self._driver.execute(statement.postgres, self._arguments(statement, parameters))

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """See `Tx.execute_many`."""
        statement = parse(sql)
        for row in rows:
            self._driver.execute(statement.postgres, self._arguments(statement, row))

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """See `Tx.one`."""
        return next(iter(self.all(sql, **parameters)), None)

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all`."""
        statement = parse(sql)
        return self._driver.fetch(statement.postgres, self._arguments(statement, parameters))

    def _mark(self, sql: str) -> None:
        self._driver.execute(sql, ())

    def _arguments(self, statement: Statement, given: Mapping[str, Value]) -> list[Value]:
        own: dict[str, Value] = {"tenant_id": self._tenant_id, "now": self._now}
        return [own[name] if name in own else given[name] for name in statement.order]


class _Asyncpg:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def fetch(self, sql: str, arguments: Sequence[Value]) -> Sequence[Row]:
        rows: Sequence[Row] = wait_for(self._connection.fetch(sql, *arguments))
        return rows

    def execute(self, sql: str, arguments: Sequence[Value]) -> int:
        status: str = wait_for(self._connection.execute(sql, *arguments))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() and not status.startswith("SELECT") else 0


class _Psycopg:
    def __init__(self, connection: Any, wait: Callable[[Any], Any]) -> None:
        self._connection = connection
        self._wait = wait
        # The program has it, since this is its connection. Its raw cursor takes the parameters as
        # PostgreSQL itself writes them.
        psycopg: Any = importlib.import_module("psycopg")
        self._cursor = psycopg.AsyncRawCursor if wait is wait_for else psycopg.RawCursor
        self._tuples = importlib.import_module("psycopg.rows").tuple_row

    def fetch(self, sql: str, arguments: Sequence[Value]) -> Sequence[Row]:
        cursor = self._run(sql, arguments)
        rows: Sequence[Row] = self._wait(cursor.fetchall())
        return rows

    def execute(self, sql: str, arguments: Sequence[Value]) -> int:
        return max(0, int(self._run(sql, arguments).rowcount))

    def _run(self, sql: str, arguments: Sequence[Value]) -> Any:
        cursor = self._cursor(self._connection, row_factory=self._tuples)
        self._wait(cursor.execute(sql, arguments))
        return cursor


def _plain(value: T | Awaitable[T]) -> Any:
    return value

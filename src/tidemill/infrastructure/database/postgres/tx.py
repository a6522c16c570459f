"""A transaction on one PostgreSQL connection, as a use case sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import ReadGuard, Row, StoreKind, Value
from tidemill.core.store_errors import ReadTookTooLong
from tidemill.infrastructure.database.postgres.bridge import wait_for
from tidemill.infrastructure.database.postgres.committing import counted
from tidemill.infrastructure.database.sql import Statement, parse, parse_scoped
from tidemill.infrastructure.database.transaction import BaseTx, Rows

T = TypeVar("T")

# Numbers and facts in one statement, since every other writer of the tenant waits meanwhile.
_NUMBER: Final = """
    WITH head AS (
        INSERT INTO stream_heads (tenant_id, seq, published_seq, epoch)
        VALUES ($1, $2, 0, $3)
        ON CONFLICT (tenant_id) DO UPDATE SET seq = stream_heads.seq + excluded.seq
        RETURNING seq - $2 AS last
    )
    INSERT INTO stream (tenant_id, seq, id, feature, type, subject, at, actor, topics, data,
                        traceparent)
    SELECT $1, head.last + f.position, f.id, f.feature, f.type, f.subject, f.at, f.actor,
           f.topics, f.data, f.traceparent
    FROM head, unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
                      $10::text[], $11::text[], $12::text[])
        WITH ORDINALITY AS f (id, feature, type, subject, at, actor, topics, data, traceparent,
                              position)
"""
# For the rest of the transaction alone.
_TIMEOUT: Final = "SELECT set_config('statement_timeout', $1, true)"
_COLUMNS: Final = [
    "id",
    "feature",
    "type",
    "subject",
    "at",
    "actor",
    "topics",
    "data",
    "traceparent",
]
# Thousands in one statement would hold the loop while they are encoded.
_numbered_at_once_max: Final = 500


class PostgresTx(BaseTx):
    """See `Tx`."""

    dialect = "postgres"

    def __init__(
        self,
        connection: Any,
        kind: StoreKind,
        tenant_id: TenantId,
        now: Instant,
        *,
        writable: bool,
        opening: str,
    ) -> None:
        super().__init__(kind, tenant_id, now, writable=writable)
        self._connection = connection
        self._opening = opening
        self.one_alone = False
        self._deferred: list[tuple[str, list[Value]]] = []
        self.begun = False
        self._check = parse_scoped if kind is StoreKind.TENANT else parse
        self._failed: BaseException | None = None

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """See `Tx.execute`."""
        statement = self._check(sql)
        arguments = self._arguments(statement, parameters)
        status: str = self._wait(self._connection.execute, statement.postgres, *arguments)
        count = status.rpartition(" ")[2]
        changed = count.isdigit() and not status.startswith("SELECT")
        return int(count) if changed else 0

    def defer(self, sql: str, /, **parameters: Value) -> None:
        """See `Tx.defer`."""
        statement = self._check(sql)
        self._deferred.append((statement.postgres, self._arguments(statement, parameters)))

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """See `Tx.execute_many`."""
        statement = self._check(sql)
        arguments = [self._arguments(statement, row) for row in rows]
        if len(arguments) == 1:
            self._wait(self._connection.execute, statement.postgres, *arguments[0])
        elif arguments:
            self._wait(self._connection.executemany, statement.postgres, arguments)

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """See `Tx.one`."""
        statement = self._check(sql)
        arguments = self._arguments(statement, parameters)
        row: Row | None = self._wait(self._connection.fetchrow, statement.postgres, *arguments)
        return row

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all`."""
        statement = self._check(sql)
        arguments = self._arguments(statement, parameters)
        rows: Sequence[Row] = self._wait(self._connection.fetch, statement.postgres, *arguments)
        return rows

    def all_alone(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_alone`."""
        if self.begun or self._deferred or not self.one_alone:
            return self.all(sql, **parameters)
        statement = self._check(sql)
        arguments = self._arguments(statement, parameters)
        return wait_for(counted(self._connection, statement.postgres, arguments))

    def all_guarded(self, sql: str, guard: ReadGuard, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_guarded`."""
        self._must_read()
        before = self._wait(self._connection.fetchval, "SHOW statement_timeout")
        self._wait(self._connection.execute, _TIMEOUT, str(guard.milliseconds_max))
        try:
            rows = self.all(sql, **parameters)
        except asyncpg.QueryCanceledError as error:
            raise ReadTookTooLong(guard.milliseconds_max) from error
        self._wait(self._connection.execute, _TIMEOUT, before)
        return rows

    def lock_changes(self) -> None:
        """Make the numbers of changes follow the order of commits."""
        self._wait(self._connection.execute, "LOCK TABLE changes IN SHARE ROW EXCLUSIVE MODE")

    def number(self, facts: Rows) -> None:
        """Append `facts` to the tenant's stream; the last statement before the commit."""
        for start in range(0, len(facts), _numbered_at_once_max):
            portion = facts[start : start + _numbered_at_once_max]
            columns = [[fact[column] for fact in portion] for column in _COLUMNS]
            arguments = (self._tenant_id, len(portion), self.new_id(), *columns)
            self._wait(self._connection.execute, _NUMBER, *arguments)

    def close(self) -> tuple[str, list[Value]] | None:
        """Forbid further use; raise what a statement raised when the use case swallowed it.

        Returns the one statement that there is, if it may run alone; all others have run.
        """
        alone = None
        if self.one_alone and not self.begun and len(self._deferred) == 1:
            alone = self._deferred.pop()
        elif self._deferred:
            self._wait(self._run_deferred)
        self._connection = None
        if self._failed is not None:
            raise self._failed
        return alone

    async def _run_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for sql, arguments in deferred:
            await self._connection.execute(sql, *arguments)

    def _mark(self, sql: str) -> None:
        self._wait(self._connection.execute, sql)

    def _wait(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        try:
            if not self.begun:
                self.begun = True
                wait_for(self._connection.execute(self._opening))
            if self._deferred:
                wait_for(self._run_deferred())
            return wait_for(call(*arguments))
        except Exception as error:
            # PostgreSQL has aborted the transaction, whatever the use case makes of it.
            self._failed = error
            raise

    def _arguments(self, statement: Statement, given: Mapping[str, Value]) -> list[Value]:
        own: dict[str, Value] = {"tenant_id": self._tenant_id, "now": self._now}
        try:
            return [own[name] if name in own else given[name] for name in statement.order]
        except KeyError as error:
            raise TypeError(f"The statement needs a value for :{error.args[0]}.") from None

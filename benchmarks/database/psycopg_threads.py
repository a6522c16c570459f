"""The road not taken: psycopg in a bounded pool of threads, behind the same port."""

from __future__ import annotations

import asyncio
import queue
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import psycopg

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId
from tidemill.core.ports import Row, StoreKind, Value
from tidemill.infrastructure.database.postgres.database import Hooks
from tidemill.infrastructure.database.postgres.tx import _COLUMNS, _NUMBER
from tidemill.infrastructure.database.sql import _TOKEN, parse_scoped
from tidemill.infrastructure.database.transaction import BaseTx, Rows, perform
from tidemill.runtime.clock import SystemClock

# The same statement as on asyncpg, with the other driver's parameters.
_NUMBER_NAMED = re.sub(r"\$(\d+)", r"%(p\1)s", _NUMBER)


class PsycopgTx(BaseTx):
    """`Tx` on a psycopg connection that belongs to one thread."""

    dialect = "postgres"

    def __init__(self, connection: Any, tenant: TenantId, now: Any) -> None:
        super().__init__(StoreKind.TENANT, tenant, now, writable=True)
        self._connection = connection
        self._own = {"tenant_id": tenant, "now": now}

    def execute(self, sql: str, /, **parameters: Value) -> int:
        return int(self._run(sql, parameters).rowcount)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        for row in rows:
            self._run(sql, row)

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        row: Row | None = self._run(sql, parameters).fetchone()
        return row

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        rows: Sequence[Row] = self._run(sql, parameters).fetchall()
        return rows

    def number(self, facts: Rows) -> None:
        columns = [[fact[column] for fact in facts] for column in _COLUMNS]
        arguments = (self._tenant_id, len(facts), self.new_id(), *columns)
        named = {f"p{number}": value for number, value in enumerate(arguments, start=1)}
        self._connection.execute(_NUMBER_NAMED, named, prepare=True)

    def _run(self, sql: str, parameters: Mapping[str, Value]) -> Any:
        parse_scoped(sql)
        return self._connection.execute(_percent(sql), {**parameters, **self._own}, prepare=True)


class PsycopgThreads:
    """`Database.write` with as many threads as connections."""

    def __init__(self, url: str, schemas: Mapping[TenantId, str], hooks: Hooks, size: int) -> None:
        self._schemas = schemas
        self._hooks = hooks
        self._clock: Clock = SystemClock()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="psycopg")
        self._connections: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._all = [psycopg.connect(url, autocommit=True) for _ in range(size)]
        for connection in self._all:
            connection.prepared_max = 512
            self._connections.put(connection)

    async def write(self, tenant: TenantId, use_case: Callable[[Any], Any]) -> Any:
        loop = asyncio.get_running_loop()
        await self._hooks.before_commit(StoreKind.TENANT, tenant)
        result = await loop.run_in_executor(self._threads, self._write, tenant, use_case)
        # Other processes hear of the commit as they do on asyncpg.
        self._hooks.committed(StoreKind.TENANT, tenant, dirty=True, changed=False)
        return result

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._all:
            connection.close()

    def _write(self, tenant: TenantId, use_case: Callable[[Any], Any]) -> Any:
        connection = self._connections.get()
        try:
            connection.execute(f'BEGIN; SET LOCAL search_path TO "{self._schemas[tenant]}"')
            tx = PsycopgTx(connection, tenant, self._clock.now())
            try:
                result = perform(tx, use_case, None, kept_hours=24)
                tx.number(tx.facts)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            return result
        finally:
            self._connections.put(connection)


@lru_cache(maxsize=256)
def _percent(sql: str) -> str:
    def named(match: Any) -> str:
        name = match.group("name")
        return f"%({name})s" if name else match.group().replace("%", "%%")

    return _TOKEN.sub(named, sql)

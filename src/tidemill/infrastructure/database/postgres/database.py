"""Runs use cases in transactions on PostgreSQL, again when they met another one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from tidemill.core.clock import Clock
from tidemill.core.crash import crash_point
from tidemill.core.ids import TenantId, tenant_id
from tidemill.core.ports import Once, StoreKind, Tx, Value
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.bridge import run_bridged
from tidemill.infrastructure.database.postgres.committing import (
    CommitLost,
    commit,
    execute_alone,
    to_its_end,
)
from tidemill.infrastructure.database.postgres.failures import (
    is_conflict,
    is_disconnection,
    store_unavailable,
    translated,
)
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.infrastructure.database.postgres.tx import PostgresTx
from tidemill.infrastructure.database.timings import READ, WRITE, Timings
from tidemill.infrastructure.database.transaction import perform

T = TypeVar("T")
Alone = tuple[str, list[Value]]

_WHOLE_NAME = """
    SELECT format('%I.%I', s.nspname, t.relname)
    FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
    WHERE t.oid = CAST(CAST($1 AS TEXT) AS regclass)
"""
_backoff_seconds_first = 0.005
_backoff_seconds_max = 0.5


class Place(Struct, frozen=True):
    """A database and what a transaction there sets, for itself alone, before all else.

    Where the pool's connections serve one store only, they are set so when they are made.
    """

    pool: Pool
    settings: str = ""


class Hooks(Protocol):
    """Whom a store tells about what it commits."""

    async def before_commit(self, kind: StoreKind, tenant: TenantId) -> None:
        """Called before facts or audit lines are committed."""
        ...

    def committed(self, kind: StoreKind, tenant: TenantId, *, dirty: bool, changed: bool) -> None:
        """Called on the loop after a commit."""
        ...


class PostgresDatabase:
    """See `Database`."""

    def __init__(
        self,
        kind: StoreKind,
        place: Callable[[TenantId], Awaitable[Place]],
        options: DatabaseOptions,
        clock: Clock,
        hooks: Hooks,
    ) -> None:
        self.kind = kind
        self._place = place
        self._options = options
        self._clock = clock
        self._hooks = hooks
        self.timings = Timings()

    async def read(self, tenant: TenantId, use_case: Callable[[Tx], T]) -> T:
        """See `Database.read`."""
        place = await self._place(tenant_id(tenant))
        return await self._persist(
            lambda: self._transaction(place, tenant, use_case, None, writable=False)
        )

    async def write(
        self, tenant: TenantId, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        """See `Database.write`."""
        place = await self._place(tenant_id(tenant))
        return await self._persist(
            lambda: self._transaction(place, tenant, use_case, once, writable=True)
        )

    async def reclaim(self, tenant: TenantId, table: str) -> None:
        """See `Database.reclaim`."""
        place = await self._place(tenant_id(tenant))
        try:
            async with place.pool.connection() as connection:
                # It runs outside of any transaction, where the place's settings do not hold.
                async with connection.transaction():
                    await connection.execute(place.settings)
                    name = await connection.fetchval(_WHOLE_NAME, table)
                await connection.execute(f"VACUUM (SKIP_LOCKED, TRUNCATE FALSE) {name}")
        except Exception as error:
            raise store_unavailable(self.kind, error) or translated(error) from error

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it works, fails for good, was tried often enough, or nobody waits any more."""
        cancels = _cancels()
        for number in range(1, self._options.attempts_max + 1):
            try:
                return await attempt()
            except CommitLost as error:
                raise StoreUnavailable(
                    self.kind, "the connection was lost while it committed"
                ) from error
            except Exception as error:
                if _cancels() > cancels:
                    # The connection was lost on the way out, and its error came in between.
                    raise asyncio.CancelledError from error
                again = is_conflict(error) or is_disconnection(error)
                if again and number < self._options.attempts_max:
                    await asyncio.sleep(_pause(number))
                    continue
                unavailable = store_unavailable(self.kind, error)
                if unavailable is not None:
                    raise unavailable from error
                raise translated(error) from error.__cause__
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _transaction(
        self,
        place: Place,
        tenant: TenantId,
        use_case: Callable[[Any], T],
        once: Once[T] | None,
        *,
        writable: bool,
    ) -> T:
        queued_at = time.perf_counter()
        mode = "" if writable else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
        async with place.pool.connection() as connection:
            began_at = time.perf_counter()
            opening = f"BEGIN{mode}; {place.settings}" if place.settings else f"BEGIN{mode}"
            now = self._clock.now()
            tx = PostgresTx(connection, self.kind, tenant, now, writable=writable, opening=opening)
            # Of a statement alone that is lost on the way nobody knows whether it counts, while a
            # BEGIN that is lost is tried again on another connection.
            is_warm = place.pool.is_warm(connection)
            tx.one_alone = writable and is_warm and not place.settings
            try:
                result, alone = await self._run(tx, use_case, once)
            except BaseException as error:
                await _roll_back(connection, error)
                raise
            finally:
                access = WRITE if writable else READ
                self.timings.observe(access, queued_at, began_at, time.perf_counter())
            if writable:
                crash_point("before_commit")
            cancelled = await self._end(tx, connection, alone)
            if writable:
                crash_point("after_commit")
        # Also for a caller who is gone: what was committed is to be delivered.
        self._tell(tx)
        if cancelled is not None:
            raise cancelled
        return result

    async def _run(
        self,
        tx: PostgresTx,
        use_case: Callable[[Any], T],
        once: Once[T] | None,
    ) -> tuple[T, Alone | None]:
        """Return what the use case does, and the statement that is still to run alone, if any."""
        hours = self._options.idempotency_hours
        result = await run_bridged(lambda: perform(tx, use_case, once, kept_hours=hours))
        if tx.dirty:
            await self._hooks.before_commit(self.kind, tx.tenant_id)
        if tx.facts and self.kind is StoreKind.TENANT:
            await run_bridged(lambda: tx.number(tx.facts))
        alone = await run_bridged(tx.close)
        return result, alone

    async def _end(
        self, tx: PostgresTx, connection: Any, alone: Alone | None
    ) -> asyncio.CancelledError | None:
        """Make what was done durable; return the cancellation, if one came meanwhile."""
        if alone is not None:
            return await to_its_end(execute_alone(connection, *alone))
        if tx.begun:
            return await to_its_end(commit(connection))
        return None

    def _tell(self, tx: PostgresTx) -> None:
        loop = asyncio.get_running_loop()
        for callback in tx.callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the commit stands; the loop reports it
                loop.call_exception_handler(
                    {"message": "An after-commit callback failed.", "exception": error}
                )
        if tx.dirty or tx.changes:
            self._hooks.committed(self.kind, tx.tenant_id, dirty=tx.dirty, changed=bool(tx.changes))


async def _roll_back(connection: Any, error: BaseException) -> None:
    if is_disconnection(error):
        connection.terminate()
    elif not connection.is_closed():
        with suppress(Exception):
            await connection.execute("ROLLBACK")


def _cancels() -> int:
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _pause(number: int) -> float:
    longest = min(_backoff_seconds_max, _backoff_seconds_first * 2**number)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, keeps no secret

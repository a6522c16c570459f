"""Pools of connections, one for each database, none for a tenant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg

from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.failures import store_unavailable

_statements_cached = 512
warm_seconds = 30.0


class Pool:
    """Connections to one database.

    The one that was used last is kept at hand for the next transaction, unless somebody waits for
    it: to give it to the driver's pool and get it back takes a task and deadlines of its own.
    """

    def __init__(self, pool: Any, options: DatabaseOptions) -> None:
        self._pool = pool
        self._options = options
        self._spare: Any = None
        self._spared_at = 0.0
        self._warm: Any = None
        self._wanting = 0
        self._closing = False

    @classmethod
    async def open(
        cls, url: str, options: DatabaseOptions, settings: Mapping[str, str] | None = None
    ) -> Pool:
        """Connect; `settings` are those of each connection. Raises `StoreUnavailable`."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=options.pool_size_min,
                max_size=options.pool_size_max,
                statement_cache_size=_statements_cached,
                max_cached_statement_lifetime=0,
                timeout=options.connect_timeout_seconds,
                init=set_up,
                reset=_keep,
                server_settings={**server_settings(options), **(settings or {})},
            )
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            unavailable = store_unavailable("PostgreSQL", error, url=url)
            raise unavailable or StoreUnavailable("PostgreSQL", type(error).__name__) from error
        return cls(pool, options)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection; one that is broken is replaced."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            # A statement of it may still be on its way: the driver's pool waits for that.
            await self._give_back(connection)
            raise
        if self._spare is None and self._wanting == 0 and not self._closing:
            self._spare, self._spared_at = connection, time.monotonic()
        else:
            await self._give_back(connection)

    def is_warm(self, connection: Any) -> bool:
        """Return whether the server has answered on a lent connection shortly before.

        One that was idle for long may be lost without a word, on the way or at the other end.
        """
        return self._warm is connection

    async def _take(self) -> Any:
        spare, self._spare = self._spare, None
        if spare is not None:
            if not spare.is_closed():
                is_warm = time.monotonic() - self._spared_at < warm_seconds
                self._warm = spare if is_warm else None
                return spare
            await self._give_back(spare)
        self._wanting += 1
        try:
            return await self._pool.acquire(timeout=self._options.acquire_timeout_seconds)
        finally:
            self._wanting -= 1

    async def _give_back(self, connection: Any) -> None:
        if self._warm is connection:
            self._warm = None
        await self._pool.release(connection, timeout=self._options.acquire_timeout_seconds)

    async def close(self) -> None:
        """Close every connection, in haste when they do not end in time."""
        self._closing = True
        spare, self._spare = self._spare, None
        if spare is not None:
            await self._give_back(spare)
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def sizes(self) -> tuple[int, int]:
        """Return how many connections there are, and how many of them are idle."""
        return self._pool.get_size(), self._pool.get_idle_size() + (self._spare is not None)


def server_settings(options: DatabaseOptions) -> dict[str, str]:
    """Return what every connection is set to, so that no wait is without an end."""
    return {
        "application_name": "tidemill",
        "lock_timeout": str(options.lock_timeout_ms),
        "statement_timeout": str(options.statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(options.statement_timeout_ms),
        "jit": "off",
    }


async def set_up(connection: Any) -> None:
    """Make sums of integers integers, as SQLite has them."""
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
    )


async def _keep(connection: Any) -> None:
    """Do nothing: transactions set their state with SET LOCAL alone, so nothing stays behind.

    What a pool's connections are made with is the same for all that use them.
    """
    del connection


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)

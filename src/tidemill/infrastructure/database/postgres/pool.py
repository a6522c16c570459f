"""Pools of connections, one for each database, none for a tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg

from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.failures import unavailable_reason

_statements_cached = 512


class Pool:
    """Connections to one database."""

    def __init__(self, pool: Any, options: DatabaseOptions) -> None:
        self._pool = pool
        self._options = options

    @classmethod
    async def open(cls, url: str, options: DatabaseOptions) -> Pool:
        """Connect. Raises `StoreUnavailable`."""
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
                server_settings=server_settings(options),
            )
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            reason = unavailable_reason(error) or type(error).__name__
            raise StoreUnavailable("PostgreSQL", reason) from error
        return cls(pool, options)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection; one that is broken is replaced."""
        connection = await self._pool.acquire(timeout=self._options.acquire_timeout_seconds)
        try:
            yield connection
        finally:
            await self._pool.release(connection, timeout=self._options.acquire_timeout_seconds)

    async def close(self) -> None:
        """Close every connection, in haste when they do not end in time."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def sizes(self) -> tuple[int, int]:
        """Return how many connections there are, and how many of them are idle."""
        return self._pool.get_size(), self._pool.get_idle_size()


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
    """Do nothing: transactions set their state with SET LOCAL alone, so nothing stays behind."""
    del connection


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)

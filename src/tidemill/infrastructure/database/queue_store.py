"""Opens the jobs store alone, for programs that use the queue without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, StoreKind
from tidemill.infrastructure.database.migrations import MigrationFailed
from tidemill.infrastructure.database.options import DatabaseOptions


class QueueStore(Protocol):
    """The open jobs store; `close` finishes what is queued and lets go of it."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgres`."""
        ...

    @property
    def jobs(self) -> Database:
        """The queue of all tenants."""
        ...

    async def close(self) -> None:
        """Finish what is queued and let go of files and connections."""
        ...


async def open_queue_store(options: DatabaseOptions, clock: Clock, file: Path) -> QueueStore:
    """Open and migrate the jobs store: PostgreSQL at `options.url`, else the SQLite `file`.

    Several processes may have it open. Raises `StoreUnavailable` and `MigrationFailed`.
    """
    if options.url is None:
        return await _open_file(options, clock, file)
    return await _open_schema(options, clock)


class _FileQueue:
    dialect = "sqlite"

    def __init__(self, jobs: Database, close: Callable[[], Awaitable[None]]) -> None:
        self.jobs = jobs
        self._close = close

    async def close(self) -> None:
        """See `QueueStore.close`."""
        await self._close()


class _SchemaQueue(_FileQueue):
    dialect = "postgres"


class _NobodyFollows:
    """Hooks of a store whose facts, if it has any, are looked for by those who follow them."""

    async def before_commit(self, kind: StoreKind, tenant: TenantId) -> None:
        """See `Hooks.before_commit`."""

    def committed(self, kind: StoreKind, tenant: TenantId, *, dirty: bool, changed: bool) -> None:
        """See `Hooks.committed`."""


async def _open_file(options: DatabaseOptions, clock: Clock, file: Path) -> QueueStore:
    from tidemill.infrastructure.database.sqlite.connection import store_unavailable  # noqa: PLC0415 - only what is used is loaded
    from tidemill.infrastructure.database.sqlite.database import Hooks, SqliteStore  # noqa: PLC0415 - as above
    from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection  # noqa: PLC0415 - as above

    def migrate() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            upgrade_connection(store.file.writer(), StoreKind.JOBS, clock.now())
        except MigrationFailed:
            # Another process may have made the same tables in this moment; if not, it fails again.
            upgrade_connection(store.file.writer(), StoreKind.JOBS, clock.now())

    store = SqliteStore(StoreKind.JOBS, file, options, clock, Hooks())
    try:
        await asyncio.to_thread(migrate)
    except BaseException as error:
        await store.close()
        raised = store_unavailable(StoreKind.JOBS, file, error, shows_path=True)
        if raised is None:
            raise
        raise raised from error
    return _FileQueue(store, store.close)


async def _open_schema(options: DatabaseOptions, clock: Clock) -> QueueStore:
    from tidemill.infrastructure.database.postgres.database import Place, PostgresDatabase  # noqa: PLC0415 - only what is used is loaded
    from tidemill.infrastructure.database.postgres.failures import store_unavailable  # noqa: PLC0415 - as above
    from tidemill.infrastructure.database.postgres.migrating import upgrade_schema  # noqa: PLC0415 - as above
    from tidemill.infrastructure.database.postgres.places import open_alone  # noqa: PLC0415 - as above

    place = await open_alone("jobs", options)
    pool = place.pool

    async def always(_tenant: TenantId) -> Place:
        return place

    try:
        async with pool.connection() as connection:
            schema = f"{options.schema_prefix}jobs"
            await upgrade_schema(connection, StoreKind.JOBS, schema, clock.now())
    except BaseException as error:
        await pool.close()
        unavailable = store_unavailable(StoreKind.JOBS, error)
        if unavailable is None:
            raise
        raise unavailable from error
    jobs = PostgresDatabase(StoreKind.JOBS, always, options, clock, _NobodyFollows())
    return _SchemaQueue(jobs, pool.close)

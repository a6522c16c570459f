"""Reaches SQLite files to migrate them or look at them, without opening them for work."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.owner_lock import OwnerLock
from tidemill.infrastructure.database.registry import Registry
from tidemill.infrastructure.database.sqlite.connection import (
    Cache,
    Pragmas,
    connect,
    store_unavailable,
)
from tidemill.infrastructure.database.sqlite.database import Hooks, SqliteStore
from tidemill.infrastructure.database.sqlite.migrating import (
    applied_versions,
    downgrade_connection,
    upgrade_connection,
)
from tidemill.infrastructure.database.targets import Target

T = TypeVar("T")

_cache = Cache(kib=2_048, statements=64)


class FileTarget:
    """See `Target`: one file."""

    def __init__(
        self,
        kind: StoreKind,
        path: Path,
        tenant: TenantId | None,
        options: DatabaseOptions,
        clock: Clock,
    ) -> None:
        self.kind = kind
        self.name: str = tenant or kind.value
        self.tenants = () if tenant is None else (tenant,)
        self._path = path
        self._pragmas = Pragmas(options.synchronous, options.busy_timeout_ms, _cache)
        self._clock = clock

    async def applied(self) -> Mapping[int, str]:
        """See `Target.applied`."""
        if not self._path.exists():
            return {}
        return await asyncio.to_thread(self._with, applied_versions, writable=False)

    async def upgrade(self) -> int:
        """See `Target.upgrade`."""
        return await asyncio.to_thread(self._with, self._upgrade)

    async def downgrade(self, target: int) -> int:
        """See `Target.downgrade`."""
        return await asyncio.to_thread(
            self._with, lambda connection: downgrade_connection(connection, self.kind, target)
        )

    def _upgrade(self, connection: sqlite3.Connection) -> int:
        return upgrade_connection(connection, self.kind, self._clock.now())

    def _with(self, work: Callable[[sqlite3.Connection], T], *, writable: bool = True) -> T:
        try:
            if writable:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(connect(self._path, self._pragmas, writable=writable)) as connection:
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            raised = store_unavailable(self.kind, self._path, error, shows_path=True)
            if raised is None:
                raise
            raise raised from error


class FileBackend:
    """See `Backend`: a data directory, with its owner lock, or to look at only."""

    dialect = "sqlite"

    def __init__(self, options: DatabaseOptions, clock: Clock, lock: OwnerLock | None) -> None:
        self._options = options
        self._clock = clock
        self._lock = lock
        self._control: SqliteStore | None = None
        self._registry: Registry | None = None

    @property
    def control(self) -> SqliteStore:
        """See `Backend.control`."""
        if self._control is None:
            path = self._options.data_dir / "control.db"
            self._control = SqliteStore(
                StoreKind.CONTROL, path, self._options, self._clock, Hooks()
            )
        return self._control

    @property
    def registry(self) -> Registry:
        """See `Backend.registry`."""
        if self._registry is None:
            self._registry = Registry(self.control)
        return self._registry

    def shared(self) -> Sequence[Target]:
        """See `Backend.shared`."""
        return [
            self._target(kind, self._options.data_dir / f"{kind}.db")
            for kind in (StoreKind.CONTROL, StoreKind.JOBS)
        ]

    async def of_tenants(self) -> Sequence[Target]:
        """See `Backend.of_tenants`."""
        directory = self._options.data_dir / "tenants"
        return [
            self._target(
                StoreKind.TENANT,
                directory / placement.tenant_id / "main.db",
                placement.tenant_id,
            )
            for placement in await self.registry.placed()
        ]

    async def close(self) -> None:
        """See `Backend.close`."""
        if self._control is not None:
            await self._control.close()
        if self._lock is not None:
            self._lock.release()

    def _target(self, kind: StoreKind, path: Path, tenant: TenantId | None = None) -> Target:
        return FileTarget(kind, path, tenant, self._options, self._clock)


async def reach(options: DatabaseOptions, clock: Clock) -> FileBackend:
    """Take the owner lock of the data directory. Raises `DataDirectoryInUse`."""
    return FileBackend(options, clock, await asyncio.to_thread(OwnerLock.acquire, options.data_dir))


def look_into(options: DatabaseOptions, clock: Clock) -> FileBackend:
    """Return the data directory for whoever only reads, which goes on beside its owner."""
    return FileBackend(options, clock, None)

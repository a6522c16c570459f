"""Opens every store of an installation: the one way in for the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidemill.core.clock import Clock
from tidemill.core.ports import Database, Invalidations, StoreKind, TenantStores, Wakeups
from tidemill.infrastructure.database.figures import StoreFigures
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.registry import Registry
from tidemill.infrastructure.database.timings import Timings


class Stores(Protocol):
    """The open stores; `close` finishes what is queued and lets go of them."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgres`."""
        ...

    @property
    def control(self) -> Database:
        """The store of tenants, users, tokens and setting values."""
        ...

    @property
    def jobs(self) -> Database:
        """The store of the queue, shared by all tenants."""
        ...

    @property
    def tenants(self) -> Database:
        """The stores of the tenants, one each."""
        ...

    @property
    def tenant_stores(self) -> TenantStores:
        """Makes the stores of tenants."""
        ...

    @property
    def wakeups(self) -> Wakeups:
        """Says where undelivered facts lie."""
        ...

    @property
    def invalidations(self) -> Invalidations:
        """Says what caches must drop."""
        ...

    @property
    def registry(self) -> Registry:
        """The tenants' states and places."""
        ...

    @property
    def timings(self) -> Mapping[StoreKind, Timings]:
        """How long use cases of each kind of store wait and take."""
        ...

    async def close(self) -> None:
        """Finish what is queued and let go of files and connections."""
        ...

    async def health(self) -> Mapping[str, str | None]:
        """Return for each store why it cannot work right now, or None.

        `DAMAGED_TENANTS`, where it is among them, tells of tenants while all others work.
        """
        ...

    def figures(self) -> list[StoreFigures]:
        """Return what metrics show."""
        ...


async def open_stores(options: DatabaseOptions, clock: Clock) -> Stores:
    """Open, migrate and follow the stores; the installation's own store is provisioned.

    On SQLite this takes the data directory's owner lock: raises `DataDirectoryInUse`. Raises
    `StoreUnavailable` and `MigrationFailed`.
    """
    if options.url is None:
        from tidemill.infrastructure.database.sqlite.assembly import open_sqlite  # noqa: PLC0415 - only what is used is loaded

        return await open_sqlite(options, clock)
    # Imported here, so that an embedded installation does not load a driver it never uses.
    from tidemill.infrastructure.database.postgres.assembly import open_postgres  # noqa: PLC0415 - only what is used is loaded

    return await open_postgres(options, clock)

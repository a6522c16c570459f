"""Puts the PostgreSQL stores together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.figures import StoreFigures
from tidemill.infrastructure.database.invalidations import ChangeFollower
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.database import Place, PostgresDatabase
from tidemill.infrastructure.database.postgres.failures import store_unavailable
from tidemill.infrastructure.database.postgres.migrating import quoted, upgrade_schema
from tidemill.infrastructure.database.postgres.places import Places, default_dsn, open_pools
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.infrastructure.database.postgres.signals import Signals
from tidemill.infrastructure.database.postgres.wakeups import PostgresWakeups
from tidemill.infrastructure.database.provisioning import Provisioner
from tidemill.infrastructure.database.registry import Registry


class PostgresStores:
    """See `Stores`."""

    dialect = "postgres"

    def __init__(
        self, options: DatabaseOptions, clock: Clock, pools: Mapping[str, Pool], url: str
    ) -> None:
        prefix = options.schema_prefix
        self._options = options
        self._clock = clock
        self._pools = pools
        self._places = Places(pools, options, clock)
        self.control = self._database(StoreKind.CONTROL, _always(self._places.shared("control")))
        self.jobs = self._database(StoreKind.JOBS, _always(self._places.shared("jobs")))
        self.tenants = self._database(StoreKind.TENANT, self._places.of)
        self.timings = {
            database.kind: database.timings for database in (self.control, self.jobs, self.tenants)
        }
        self._signals = Signals(
            url, f"{prefix}tidemill", options, heard=self._hear, joined=self._rejoin
        )
        schema = quoted(f"{prefix}control")
        self.wakeups = PostgresWakeups(self.control, self.jobs, clock, self._signals, schema)
        self.invalidations = ChangeFollower(
            self.control,
            clock,
            poll_seconds=options.poll_seconds,
            keep_hours=options.changes_hours,
            also=self.wakeups.poll,
        )
        self.registry = Registry(self.control)
        self._places.registry = self.registry
        self.tenant_stores = Provisioner(self.registry, self._places)

    async def start(self) -> None:
        """Make and migrate the shared schemas, follow changes, finish what was interrupted."""
        if self._options.migrate:
            await self._migrate_shared()
        await self._signals.start()
        self.registry.follow(self.invalidations)
        await self.invalidations.start()
        await self.tenant_stores.ensure_installation()
        await self.tenant_stores.resume()

    async def close(self) -> None:
        """See `Stores.close`."""
        await self.invalidations.stop()
        await self._signals.stop()
        for pool in self._pools.values():
            await pool.close()

    async def health(self) -> Mapping[str, str | None]:
        """See `Stores.health`."""
        reasons: dict[str, str | None] = {}
        for database in (self.control, self.jobs):
            reasons[database.kind] = await _reason(database)
        reasons[StoreKind.TENANT] = await _reason(self.tenants)
        return reasons

    def figures(self) -> list[StoreFigures]:
        """See `Stores.figures`."""
        found = []
        for name, pool in self._pools.items():
            size, idle = pool.sizes()
            found.append(StoreFigures(store=name, connections=size, connections_idle=idle))
        return found

    async def before_commit(self, kind: StoreKind, tenant: TenantId) -> None:
        """See `Hooks.before_commit`."""
        if kind is StoreKind.TENANT:
            await self.wakeups.mark(tenant)

    def committed(self, kind: StoreKind, tenant: TenantId, *, dirty: bool, changed: bool) -> None:
        """See `Hooks.committed`."""
        if dirty:
            self.wakeups.announce(kind, tenant)
        if changed:
            self.invalidations.wake()
            self._signals.send("changes")

    def _database(
        self, kind: StoreKind, place: Callable[[TenantId], Awaitable[Place]]
    ) -> PostgresDatabase:
        return PostgresDatabase(kind, place, self._options, self._clock, self)

    def _hear(self, payload: str) -> None:
        if payload == "changes":
            self.invalidations.wake()
            return
        _dirty, kind, tenant = payload.split(" ", 2)
        self.wakeups.hear(StoreKind(kind), TenantId(tenant))

    def _rejoin(self) -> None:
        """Notifications were missed while the connection was away."""
        self.invalidations.wake()

    async def _migrate_shared(self) -> None:
        prefix, now = self._options.schema_prefix, self._clock.now()
        try:
            async with self._pools[default_dsn].connection() as connection:
                for kind in (StoreKind.CONTROL, StoreKind.JOBS):
                    await upgrade_schema(connection, kind, f"{prefix}{kind}", now)
        except Exception as error:
            unavailable = store_unavailable(StoreKind.CONTROL, error)
            if unavailable is None:
                raise
            raise unavailable from error


async def open_postgres(options: DatabaseOptions, clock: Clock) -> PostgresStores:
    """Open the stores at `options.url`; see `open_stores`."""
    stores = PostgresStores(options, clock, await open_pools(options), options.url or "")
    try:
        await stores.start()
    except BaseException:
        await stores.close()
        raise
    return stores


def _always(place: Place) -> Callable[[TenantId], Awaitable[Place]]:
    async def same(_tenant: TenantId) -> Place:
        return place

    return same


async def _reason(database: PostgresDatabase) -> str | None:
    statement = "SELECT 1 WHERE :tenant_id <> ''"
    try:
        await database.read(INSTALLATION, lambda tx: tx.one(statement))
    except StoreUnavailable as error:
        return error.reason
    except TidemillError as error:
        return error.message
    return None

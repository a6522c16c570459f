"""Reaches PostgreSQL schemas to migrate them, without opening the stores for work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.database import Place, PostgresDatabase
from tidemill.infrastructure.database.postgres.failures import store_unavailable
from tidemill.infrastructure.database.postgres.isolation import ensure_role
from tidemill.infrastructure.database.postgres.migrating import (
    applied_versions,
    downgrade_schema,
    upgrade_schema,
)
from tidemill.infrastructure.database.postgres.places import Places, default_dsn, open_pools
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.infrastructure.database.registry import Registry
from tidemill.infrastructure.database.targets import Target

T = TypeVar("T")


class SchemaTarget(Struct, frozen=True, kw_only=True):
    """See `Target`: one schema, of a store that all share, of one tenant, or of many."""

    kind: StoreKind
    name: str
    schema: str
    pool: Pool
    clock: Clock
    role: str | None = None
    tenants: Sequence[TenantId] = ()

    async def applied(self) -> Mapping[int, str]:
        """See `Target.applied`."""
        return await self._with(lambda connection: applied_versions(connection, self.schema))

    async def upgrade(self) -> int:
        """See `Target.upgrade`."""
        return await self._with(self._upgrade)

    async def downgrade(self, target: int) -> int:
        """See `Target.downgrade`."""

        async def downgrade(connection: Any) -> int:
            role = await self._bound_role(connection)
            return await downgrade_schema(
                connection, self.kind, self.schema, target, shared_with_role=role
            )

        return await self._with(downgrade)

    async def _upgrade(self, connection: Any) -> int:
        role, now = await self._bound_role(connection), self.clock.now()
        return await upgrade_schema(connection, self.kind, self.schema, now, shared_with_role=role)

    async def _bound_role(self, connection: Any) -> str | None:
        return None if self.role is None else await ensure_role(connection, self.role)

    async def _with(self, work: Callable[[Any], Awaitable[T]]) -> T:
        try:
            async with self.pool.connection() as connection:
                return await work(connection)
        except Exception as error:
            unavailable = store_unavailable(self.kind, error)
            if unavailable is None:
                raise
            raise unavailable from error


class SchemaBackend:
    """See `Backend`: the configured databases."""

    dialect = "postgres"

    def __init__(self, options: DatabaseOptions, clock: Clock, pools: Mapping[str, Pool]) -> None:
        self._options = options
        self._clock = clock
        self._pools = pools
        self._places = Places(pools, options, clock)
        self.control = PostgresDatabase(
            StoreKind.CONTROL, self._place_of_control, options, clock, _Silent()
        )
        self.registry = Registry(self.control)

    def shared(self) -> Sequence[Target]:
        """See `Backend.shared`."""
        prefix = self._options.schema_prefix
        return [
            SchemaTarget(
                kind=kind,
                name=kind.value,
                schema=f"{prefix}{kind}",
                pool=self._pools[default_dsn],
                clock=self._clock,
            )
            for kind in (StoreKind.CONTROL, StoreKind.JOBS)
        ]

    async def of_tenants(self) -> Sequence[Target]:
        """See `Backend.of_tenants`: tenants of a shared schema are migrated together."""
        role = f"{self._options.schema_prefix}tidemill_pool"
        by_schema: dict[tuple[str, str, str], list[TenantId]] = {}
        for placement in await self.registry.placed():
            dsn = placement.dsn or default_dsn
            if placement.schema is not None and dsn in self._pools:
                key = (dsn, placement.kind or "", placement.schema)
                by_schema.setdefault(key, []).append(placement.tenant_id)
        return [
            SchemaTarget(
                kind=StoreKind.TENANT,
                name=schema if kind == "pool" else tenants[0],
                schema=schema,
                pool=self._pools[dsn],
                clock=self._clock,
                role=role if kind == "pool" else None,
                tenants=tenants,
            )
            for (dsn, kind, schema), tenants in by_schema.items()
        ]

    async def close(self) -> None:
        """See `Backend.close`."""
        for pool in self._pools.values():
            await pool.close()

    async def _place_of_control(self, _tenant: TenantId) -> Place:
        return self._places.shared("control")


class _Silent:
    """Nobody in this process waits for what a migration commits; others poll."""

    async def before_commit(self, kind: StoreKind, tenant: TenantId) -> None:
        """See `Hooks.before_commit`."""

    def committed(self, kind: StoreKind, tenant: TenantId, *, dirty: bool, changed: bool) -> None:
        """See `Hooks.committed`."""


async def reach(options: DatabaseOptions, clock: Clock) -> SchemaBackend:
    """Connect to the databases of `options`. Raises `StoreUnavailable`."""
    return SchemaBackend(options, clock, await open_pools(options))

"""Where each tenant's rows lie, and how a new tenant's place is chosen and made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from tidemill.core.clock import Clock
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import StoreKind
from tidemill.core.store_errors import StoreUnavailable, TenantUnavailable
from tidemill.infrastructure.database.migrations import MigrationFailed, discover
from tidemill.infrastructure.database.options import DatabaseOptions
from tidemill.infrastructure.database.postgres.database import Place
from tidemill.infrastructure.database.postgres.failures import store_unavailable
from tidemill.infrastructure.database.postgres.isolation import UnprotectedTable, ensure_role
from tidemill.infrastructure.database.postgres.migrating import quoted, upgrade_schema
from tidemill.infrastructure.database.postgres.pool import Pool
from tidemill.infrastructure.database.registry import Placement, Registry

default_dsn: Final = "default"

# The queue grows and shrinks faster than statistics are gathered, and a plan that suits its empty
# tables reads all of them when they are full. Each of its statements has an index to go by.
_PLANS: Final = {
    "jobs": {
        "enable_seqscan": "off",
        "enable_sort": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
    }
}
_IDENTIFIER_MAX: Final = 63
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Places:
    """Finds, chooses and makes the places of tenants."""

    def __init__(self, pools: Mapping[str, Pool], options: DatabaseOptions, clock: Clock) -> None:
        self._pools = pools
        self._options = options
        self._clock = clock
        self._roles: dict[str, str] = {}
        self.registry: Registry | None = None

    def shared(self, name: str) -> Place:
        """Return the place of the store `name` that all tenants share."""
        schema = f"{self._options.schema_prefix}{name}"
        settings = [f"SET LOCAL search_path TO {quoted(schema)}"]
        settings += [f"SET LOCAL {key} TO {word}" for key, word in _PLANS.get(name, {}).items()]
        return Place(self._pools[default_dsn], "; ".join(settings))

    async def of(self, tenant: TenantId) -> Place:
        """Return the place of an active tenant.

        Raises `TenantNotFound` and `TenantUnavailable`.
        """
        placement = await self._registry().active(tenant)
        if placement.schema is None:
            raise TenantUnavailable("provisioning")
        if placement.schema_version < self.version():
            raise TenantUnavailable("waiting for its migration")
        pool = self._pool(placement)
        if placement.kind == "schema":
            return Place(pool, f"SET LOCAL search_path TO {quoted(placement.schema)}")
        role = await self._role(placement.dsn or default_dsn)
        return Place(
            pool,
            f"SET LOCAL ROLE {quoted(role)}; "
            f"SET LOCAL search_path TO {quoted(placement.schema)}; "
            # The id was checked against the pattern of ids, which holds no quote.
            f"SET LOCAL tidemill.tenant_id TO '{tenant}'",
        )

    async def choose(self, tenant: TenantId) -> tuple[str, str | None, str | None]:
        """See `Maker.choose`: a schema of its own while there is room for one."""
        prefix = self._options.schema_prefix
        wants_schema = self._options.placement == "schema"
        if wants_schema:
            for dsn in self._pools:
                if await self._registry().schemas_in(dsn) < self._options.schemas_per_database_max:
                    return "schema", dsn, schema_name(prefix, tenant)
        dsn = list(self._pools)[-1] if wants_schema else default_dsn
        return "pool", dsn, f"{prefix}pool"

    async def make(self, placement: Placement) -> int:
        """See `Maker.make`."""
        schema = placement.schema
        if schema is None:
            raise MigrationFailed("The tenant has no place in this kind of database.")
        shared = placement.kind == "pool"
        role = await self._role(placement.dsn or default_dsn) if shared else None
        try:
            async with self._pool(placement).connection() as connection:
                return await upgrade_schema(
                    connection,
                    StoreKind.TENANT,
                    schema,
                    self._clock.now(),
                    shared_with_role=role,
                )
        except UnprotectedTable as error:
            raise MigrationFailed(str(error)) from error
        except Exception as error:
            unavailable = store_unavailable(StoreKind.TENANT, error)
            if unavailable is None:
                raise
            raise unavailable from error

    def version(self) -> int:
        """See `Maker.version`."""
        return max((m.version for m in discover("postgres", StoreKind.TENANT)), default=0)

    async def _role(self, dsn: str) -> str:
        role = self._roles.get(dsn)
        if role is None:
            async with self._pools[dsn].connection() as connection:
                role = await ensure_role(connection, f"{self._options.schema_prefix}tidemill_pool")
            self._roles[dsn] = role
        return role

    def _pool(self, placement: Placement) -> Pool:
        pool = self._pools.get(placement.dsn or default_dsn)
        if pool is None:
            raise StoreUnavailable(
                StoreKind.TENANT, f"no database is configured under the name {placement.dsn}"
            )
        return pool

    def _registry(self) -> Registry:
        if self.registry is None:
            raise RuntimeError("The registry is set before a tenant is looked for.")
        return self.registry


async def open_alone(name: str, options: DatabaseOptions) -> Place:
    """Connect to the store `name` that all tenants share, for a process that uses no other one.

    Raises `StoreUnavailable`.
    """
    if options.url is None:
        raise ValueError("PostgreSQL needs a URL.")
    schema = quoted(f"{options.schema_prefix}{name}")
    settings = {"search_path": schema, **_PLANS.get(name, {})}
    return Place(await Pool.open(options.url, options, settings))


async def open_pools(options: DatabaseOptions) -> dict[str, Pool]:
    """Connect to every database of `options`, all or none. Raises `StoreUnavailable`."""
    if options.url is None:
        raise ValueError("PostgreSQL needs a URL.")
    pools: dict[str, Pool] = {}
    try:
        for name, url in {default_dsn: options.url, **options.dsns}.items():
            pools[name] = await Pool.open(url, options)
    except BaseException:
        for pool in pools.values():
            await pool.close()
        raise
    return pools


def schema_name(prefix: str, tenant: TenantId) -> str:
    """Return the name of a tenant's own schema: readable for UUIDs, a digest for all else."""
    if tenant == INSTALLATION:
        return f"{prefix}installation"
    readable = f"{prefix}t_{tenant.replace('-', '')}"
    if _UUID.fullmatch(tenant) and len(readable) <= _IDENTIFIER_MAX:
        return readable
    digest = hashlib.sha256(tenant.encode()).hexdigest()
    return f"{prefix}t_{digest}"[: min(_IDENTIFIER_MAX, len(prefix) + 34)]

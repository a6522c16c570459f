"""Makes the stores of tenants; every step can be repeated, and is when a start finds it undone."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION, TenantId, tenant_id
from tidemill.core.store_errors import TenantUnavailable
from tidemill.infrastructure.database.migrations import MigrationFailed
from tidemill.infrastructure.database.registry import Placement, Registry

_log = structlog.get_logger(__name__)


class Maker(Protocol):
    """How one kind of database makes a tenant's store."""

    async def choose(self, tenant: TenantId) -> tuple[str, str | None, str | None]:
        """Return the kind, dsn and schema for a tenant that has no place yet."""
        ...

    async def make(self, placement: Placement) -> int:
        """Create and migrate the store; return its schema version. Raises `MigrationFailed`."""
        ...

    def version(self) -> int:
        """Return the schema version that this release makes."""
        ...


class Provisioner:
    """See `TenantStores`."""

    def __init__(self, registry: Registry, maker: Maker) -> None:
        self._registry = registry
        self._maker = maker
        self._running: dict[TenantId, asyncio.Future[None]] = {}

    async def provision(self, tenant: TenantId) -> None:
        """See `TenantStores.provision`.

        Raises `TenantUnavailable` when it fails, or the tenant is suspended or being deleted.
        """
        tenant_id(tenant)
        running = self._running.get(tenant)
        if running is None:
            running = asyncio.ensure_future(self._provision(tenant))
            self._running[tenant] = running
            running.add_done_callback(lambda done: self._done(tenant, done))
        await asyncio.shield(running)

    async def resume(self) -> None:
        """Finish what a crash interrupted, and try again what failed."""
        for tenant in await self._registry.unfinished():
            try:
                await self.provision(tenant)
            except TidemillError as error:
                _log.warning("tenants.not_provisioned", tenant_id=tenant, reason=str(error))

    async def ensure_installation(self) -> None:
        """Make the reserved tenant's store where it is missing or older than this release."""
        await self.provision(INSTALLATION)

    async def _provision(self, tenant: TenantId) -> None:
        row = await self._registry.register(tenant)
        if row.state in {"suspended", "deleting"}:
            raise TenantUnavailable(row.state)
        if row.kind is None:
            kind, dsn, schema = await self._maker.choose(tenant)
            row = await self._registry.place(tenant, kind=kind, dsn=dsn, schema=schema)
        try:
            version = await self._maker.make(row)
        except MigrationFailed as error:
            await self._registry.set_state(tenant, "failed", reason=str(error)[:500])
            raise TenantUnavailable("failed") from error
        if row.state != "active" or row.schema_version != version:
            await self._registry.set_state(tenant, "active", schema_version=version)

    def _done(self, tenant: TenantId, done: asyncio.Future[None]) -> None:
        del self._running[tenant]
        if not done.cancelled():
            done.exception()  # Whoever waited has seen it.

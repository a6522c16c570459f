"""Keeps account of blobs, and removes those that nothing uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from tidemill.board.attachment_errors import AttachmentsFull
from tidemill.board.blobs.repository import BlobRepository
from tidemill.core.blobs import BlobStore, BlobsUnavailable
from tidemill.core.clock import Clock, Instant, after
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx
from tidemill.core.store_errors import StoreUnavailable, TenantNotFound, TenantUnavailable

log = structlog.get_logger(__name__)

grace: Final = timedelta(hours=24)
"""How long bytes stay that nothing uses: longer than any upload and its transaction take."""
_at_once: Final = 200


class BlobAccounts:
    """Each method works in the caller's transaction."""

    def __init__(self) -> None:
        self._blobs = BlobRepository()

    def use(self, tx: Tx, sha256: str, name: str, size: int, *, bytes_max: int) -> str:
        """Return where the tenant has these bytes: there already, or under `name` from now on.

        `bytes_max` is what all of a tenant's files may hold, 0 is no limit. Raises
        `AttachmentsFull`.
        """
        place, unused_since = self._blobs.hold(tx, sha256, name, size)
        if unused_since is not None:
            self._blobs.use(tx, sha256)
            total = self._blobs.add_to_total(tx, size)
            if 0 < bytes_max < total:
                raise AttachmentsFull(bytes_max)
        return place

    def leave(self, tx: Tx, sha256: str) -> None:
        """Let the bytes go after a while, unless something else uses them."""
        left = self._blobs.leave(tx, sha256)
        if left:
            self._blobs.add_to_total(tx, -left)


class BlobSweeper:
    """Removes rows that nothing uses, and bytes without a row."""

    def __init__(self, tenants: Database, store: BlobStore, clock: Clock) -> None:
        self._tenants = tenants
        self._store = store
        self._clock = clock
        self._blobs = BlobRepository()
        self._accounts = BlobAccounts()

    async def sweep(self) -> None:
        """Look after every tenant that has bytes; one that is away is left for the next time."""
        before = after(self._clock.now(), -grace)
        async for tenant in self._store.tenants():
            try:
                removed = await self.sweep_tenant(tenant, before)
            except (TenantNotFound, TenantUnavailable, StoreUnavailable) as error:
                log.info("blobs.sweep.skipped", tenant_id=tenant, code=error.code)
                continue
            except BlobsUnavailable as error:
                log.warning("blobs.sweep.failed", tenant_id=tenant, reason=error.message)
                return
            if removed:
                log.info("blobs.swept", tenant_id=tenant, removed=removed)

    async def sweep_tenant(self, tenant: TenantId, before: Instant) -> int:
        """Remove what nothing has used since `before`; return how many it were."""
        await self._leave_orphans(tenant)
        removed = 0
        while names := await self._tenants.write(
            tenant, lambda tx: self._blobs.forget(tx, before, limit=_at_once)
        ):
            for name in names:
                await self._store.remove(tenant, name)
            removed += len(names)
        async for names in self._strays(tenant, before):
            for name in names:
                await self._store.remove(tenant, name)
            removed += len(names)
        return removed

    async def _leave_orphans(self, tenant: TenantId) -> None:
        """Count as unused whatever lost its last use with an item that was removed for good."""
        last = ""
        while digests := await self._tenants.read(tenant, self._orphans_after(last)):
            for digest in digests:
                await self._tenants.write(tenant, partial(self._accounts.leave, sha256=digest))
            last = digests[-1]

    def _orphans_after(self, last: str) -> Callable[[Tx], list[str]]:
        return lambda tx: self._blobs.orphans(tx, after=last, limit=_at_once)

    async def _strays(self, tenant: TenantId, before: Instant) -> AsyncIterator[list[str]]:
        """Yield names without a row, of uploads that broke off and of rows that went just now.

        A name is used by its own upload only, and that is over: no row can come any more.
        """
        names: list[str] = []
        async for name in self._store.older_than(tenant, before):
            names.append(name)
            if len(names) == _at_once:
                yield await self._unknown(tenant, names)
                names = []
        if names:
            yield await self._unknown(tenant, names)

    async def _unknown(self, tenant: TenantId, names: list[str]) -> list[str]:
        known = await self._tenants.read(tenant, lambda tx: self._blobs.known(tx, names))
        return [name for name in names if name not in known]

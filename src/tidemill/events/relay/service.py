"""The outboxes of the control and jobs stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tidemill.core.clock import Clock, Instant, after
from tidemill.core.facts import RecordedFact
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, StoreKind
from tidemill.events.relay import repository

tenants_per_page: Final = 200


class Outboxes:
    """What was recorded outside the tenants' stores."""

    def __init__(
        self, *, control: Database, jobs: Database, clock: Clock, days_kept: int = 7
    ) -> None:
        self._days_kept = days_kept
        self._stores = {StoreKind.CONTROL: control, StoreKind.JOBS: jobs}
        self._clock = clock

    async def undelivered(
        self, kind: StoreKind, tenant_id: TenantId, limit: int
    ) -> list[RecordedFact]:
        """Return the tenant's oldest facts that its stream does not have yet."""
        return await self._stores[kind].read(
            tenant_id, lambda tx: repository.undelivered(tx, limit)
        )

    async def delivered(
        self, kind: StoreKind, tenant_id: TenantId, facts: Sequence[RecordedFact]
    ) -> None:
        """Keep that the tenant's stream has these facts, and that its followers must look."""
        await self._stores[StoreKind.CONTROL].write(tenant_id, repository.wake_tenant)
        await self._stores[kind].write(tenant_id, lambda tx: repository.delivered(tx, facts))

    async def prune(self) -> None:
        """Delete what was delivered more days ago than it is kept."""
        before = after(self._clock.now(), timedelta(days=-self._days_kept))
        for store in self._stores.values():
            await self._prune_store(store, before)

    async def _prune_store(self, store: Database, before: Instant) -> None:
        last = ""
        while True:
            tenants = await store.read(INSTALLATION, _page_after(last, before))
            for tenant_id in tenants:
                await store.write(TenantId(tenant_id), lambda tx: repository.prune(tx, before))
            if len(tenants) < tenants_per_page:
                return
            last = tenants[-1]


def _page_after(last: str, before: Instant) -> repository.TenantsPage:
    return lambda tx: repository.tenants_to_prune(
        tx, after=last, before=before, limit=tenants_per_page
    )

"""Keeps what requests used, and sums it up."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database
from tidemill.llm.usage.models import Dimension, LedgerRow, Total
from tidemill.llm.usage.repository import LedgerRepository


class UsageService:
    """Use cases of the ledger."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants
        self._ledger = LedgerRepository()

    async def record(self, tenant_id: TenantId, row: LedgerRow) -> None:
        """Keep `row`; the same one again changes nothing."""
        await self._tenants.write(tenant_id, lambda tx: self._ledger.add(tx, row))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[LedgerRow]:
        """Return requests of models, newest first."""
        before = after_text(page)
        rows = await self._tenants.read(
            actor.tenant_id,
            lambda tx: self._ledger.page(tx, before=before, limit=page.limit_plus_one),
        )
        return page_of(rows, page, lambda row: (row.id,))

    async def totals(
        self, by: Dimension, page: PageRequest, *, since: Instant, until: Instant, actor: Actor
    ) -> Page[Total]:
        """Return sums of the requests that began from `since` on and before `until`."""
        after = after_text(page) or ""
        totals = await self._tenants.read(
            actor.tenant_id,
            lambda tx: self._ledger.totals(
                tx, by, since=since, until=until, after=after, limit=page.limit_plus_one
            ),
        )
        return page_of(totals, page, lambda total: (total.key or " ",))

"""Follows every tenant's stream, and lets deliveries wait for the webhooks that want a fact."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from tidemill.automation.contract import WebhookCreated, WebhookUpdated
from tidemill.automation.deliveries.service import plan
from tidemill.automation.webhooks.event_types import EventType
from tidemill.automation.webhooks.models import DisabledReason, Webhook, item_ids_of
from tidemill.automation.webhooks.repository import WebhookRepository
from tidemill.automation.webhooks.service import Wake, disable
from tidemill.board import InvalidFilter, ItemFilters
from tidemill.core.facts import RecordedFact
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx

FOLLOWER: Final = "automation.webhooks"
tenants_remembered_max: Final = 10_000
# A webhook is enabled with one of these facts, and in no other way.
_BEGINNINGS: Final = frozenset({WebhookCreated.__name__, WebhookUpdated.__name__})


class Planning:
    """A projection: in the transaction of its cursor, so that no fact is planned twice or lost."""

    def __init__(
        self,
        tenants: Database,
        filters: ItemFilters,
        event_types: Sequence[EventType],
        wake: Wake,
        *,
        attempts_max: int,
    ) -> None:
        self._tenants = tenants
        self._filters = filters
        self._types = {one.fact: one for one in event_types}
        self._wake = wake
        self._attempts_max = attempts_max
        self._webhooks = WebhookRepository()
        # Up to which fact of its stream a tenant has none.
        self._without: dict[TenantId, int] = {}

    async def wanted(self, tenant_id: TenantId, facts: Sequence[RecordedFact]) -> bool:
        """Return whether the tenant has a webhook that is enabled.

        One that had none has none until the stream says so, whichever process made it. What
        another process was shown meanwhile may have said so: after a gap it is asked again.
        """
        through = self._without.get(tenant_id, -1)
        if facts[0].seq <= through + 1 and not any(fact.type in _BEGINNINGS for fact in facts):
            self._without[tenant_id] = max(through, facts[-1].seq)
            return False
        if await self._tenants.read(tenant_id, self._webhooks.any_active):
            self._without.pop(tenant_id, None)
            return True
        if len(self._without) >= tenants_remembered_max:
            self._without.clear()
        self._without[tenant_id] = max(through, facts[-1].seq)
        return False

    def apply(self, tx: Tx, fact: RecordedFact) -> None:
        """Let `fact` wait for each webhook that wants it."""
        event_type = self._types[fact.type]
        concerned = [
            webhook
            for webhook in self._webhooks.active(tx)
            if webhook.wants(fact, event_type.names) and self._passes(tx, webhook, fact)
        ]
        for webhook in concerned:
            plan(tx, webhook, fact, event_type, attempts_max=self._attempts_max)
        if concerned:
            tx.after_commit(partial(self._wake, fact.tenant_id))

    def _passes(self, tx: Tx, webhook: Webhook, fact: RecordedFact) -> bool:
        if webhook.filter is None:
            return True
        item_ids = item_ids_of(fact.topics)
        try:
            return bool(item_ids) and self._filters.passes(tx, webhook.filter, item_ids)
        except InvalidFilter:
            # What it names is gone; to send everything, or nothing without a word, would be worse.
            disable(tx, webhook, DisabledReason.FILTER)
            return False

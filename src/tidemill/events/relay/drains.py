"""The drains that carry facts: from the outboxes to the streams, and on to the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from tidemill.core.crash import crash_point
from tidemill.core.ids import TenantId
from tidemill.core.ports import EventBus, FactBatch, StoreKind
from tidemill.events.contract import Progress
from tidemill.events.relay.service import Outboxes
from tidemill.events.stream.service import Stream, page_length

log = structlog.get_logger(__name__)

remembered_max: Final = 10_000


class StreamToBus:
    """Sends what a stream holds beyond what the bus has heard, in order.

    How far the bus has heard is kept in memory and persisted once the tenant is quiet, so that
    a busy tenant pays no second commit for each write. After a crash a few facts are sent
    twice, which every reader ignores by their number.

    Several processes may do this for one tenant at once: each sends a number only after the
    number before it was confirmed to itself or in the store, so first arrivals are in order.
    """

    name: Final = "stream_to_bus"
    kinds: Final = frozenset({StoreKind.TENANT})
    delay_seconds: Final = 0.0

    def __init__(self, stream: Stream, bus: EventBus) -> None:
        self._stream = stream
        self._bus = bus
        self._heard: dict[TenantId, int] = {}
        self.published = 0

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Send a page of facts."""
        del kind
        head, facts = await self._stream.unpublished(tenant_id, self._heard.get(tenant_id, 0))
        if not facts:
            return Progress()
        through = facts[-1].seq
        await self._bus.publish(
            [FactBatch(tenant_id=tenant_id, through=through, facts=tuple(facts))]
        )
        self.published += len(facts)
        crash_point("relay_after_publish")
        self._heard[tenant_id] = through
        if len(self._heard) > remembered_max:
            await self._settle_oldest()
        return Progress(more=through < head)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Persist how far the bus has heard."""
        del kind
        through = self._heard.get(tenant_id)
        if through is None:
            return
        await self._stream.published(tenant_id, through)
        if self._heard.get(tenant_id) == through:
            del self._heard[tenant_id]

    async def _settle_oldest(self) -> None:
        await self.settle(StoreKind.TENANT, next(iter(self._heard)))


class OutboxToStream:
    """Appends the facts of the control and jobs stores to the streams of their tenants."""

    name: Final = "outbox_to_stream"
    kinds: Final = frozenset({StoreKind.CONTROL, StoreKind.JOBS})
    delay_seconds: Final = 0.0

    def __init__(
        self,
        outboxes: Outboxes,
        stream: Stream,
        follow_up: Callable[[StoreKind, TenantId], None],
    ) -> None:
        self._outboxes = outboxes
        self._stream = stream
        self._follow_up = follow_up

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Append a page of facts."""
        facts = await self._outboxes.undelivered(kind, tenant_id, page_length)
        if not facts:
            return Progress(found=False)
        crash_point("relay_before_append")
        await self._stream.append_once(tenant_id, facts)
        crash_point("relay_after_append")
        await self._outboxes.delivered(kind, tenant_id, facts)
        self._follow_up(StoreKind.TENANT, tenant_id)
        return Progress(more=len(facts) == page_length)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Nothing is kept in memory."""

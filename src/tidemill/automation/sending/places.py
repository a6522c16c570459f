"""Places for what is under way at once, shared fairly between tenants."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tidemill.core.ids import TenantId


class Places:
    """At most `total` at once, of which one tenant may have half.

    A place that comes free goes to the tenant that has the fewest, among equals to the one that
    has waited longest: receivers of one tenant that hang hold up that tenant's others alone.
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._share: Final = max(1, total // 2)
        self._held: Counter[TenantId] = Counter()
        # In the order in which tenants began to wait; nobody waits in an empty queue.
        self._waiting: dict[TenantId, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, tenant_id: TenantId) -> AsyncIterator[None]:
        """Hold a place for a tenant; wait until there is one."""
        await self._take(tenant_id)
        try:
            yield
        finally:
            self._give_back(tenant_id)

    async def _take(self, tenant_id: TenantId) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(place)
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._forget(tenant_id, place)
            else:
                self._give_back(tenant_id)
            raise

    def _give_back(self, tenant_id: TenantId) -> None:
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free:
            able = [each for each in self._waiting if self._held[each] < self._share]
            if not able:
                return
            tenant_id = min(able, key=self._held.__getitem__)
            place = self._waiting[tenant_id][0]
            self._forget(tenant_id, place)
            if place.cancelled():
                continue
            self._free -= 1
            self._held[tenant_id] += 1
            place.set_result(None)

    def _forget(self, tenant_id: TenantId, place: asyncio.Future[None]) -> None:
        queue = self._waiting.pop(tenant_id, deque())
        if place in queue:
            queue.remove(place)
        if queue:
            # Behind the others, whose turn comes first.
            self._waiting[tenant_id] = queue

"""When to look into which tenant's store, without looking into all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from tidemill.core.clock import Instant, seconds_after
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Tx
from tidemill.events.marks.repository import MarkRepository

tenants_per_look_max: Final = 200
marks_tried_max: Final = 5
postponed_seconds: Final = 300.0


class Marks:
    """The marks of one kind of work that tenants' stores hold."""

    def __init__(self, control: Database, kind: str) -> None:
        self._control = control
        self._marks = MarkRepository(kind)

    async def arrange(
        self, tenant_id: TenantId, next_due: Callable[[], Awaitable[Instant | None]]
    ) -> None:
        """Mark when a tenant has something to do next, as `next_due` finds in its store.

        Whatever becomes due while that looks is arranged by whoever made it due: the mark is
        moved only when it is still the one that was seen before the look.
        """
        for _ in range(marks_tried_max):
            seen = await self._control.read(tenant_id, self._marks.of)
            due_at = await next_due()
            if due_at == seen or await self._move(tenant_id, seen, due_at):
                return

    async def postpone(self, tenant_id: TenantId) -> None:
        """Look at a tenant later, whose store cannot be used now."""

        def use_case(tx: Tx) -> None:
            seen = self._marks.of(tx)
            if seen is not None:
                self._marks.move(tx, seen, seconds_after(tx.now, postponed_seconds))

        await self._control.write(tenant_id, use_case)

    async def due(self) -> list[TenantId]:
        """Return tenants whose marks are due."""
        return await self._control.read(
            INSTALLATION, lambda tx: self._marks.due(tx, tenants_per_look_max)
        )

    async def _move(
        self, tenant_id: TenantId, seen: Instant | None, due_at: Instant | None
    ) -> bool:
        return await self._control.write(tenant_id, lambda tx: self._marks.move(tx, seen, due_at))

"""Cursors of followers: each moves in the transaction that takes effect."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.clock import seconds_after
from tidemill.core.facts import RecordedFact
from tidemill.core.ids import TenantId
from tidemill.core.module import Projection
from tidemill.core.ports import Database, Tx
from tidemill.events.followers import repository

error_characters_max = 2_000


class Cursors:
    """How far the followers of each tenant's stream have come."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants

    async def of(self, tenant_id: TenantId) -> dict[str, int]:
        """Return the cursors of a tenant by follower."""
        return await self._tenants.read(tenant_id, repository.cursors)

    async def apply(
        self,
        tenant_id: TenantId,
        projections: Sequence[Projection],
        facts: Sequence[RecordedFact],
    ) -> None:
        """Apply what each projection has not seen of `facts`, and move its cursor past them."""

        def use_case(tx: Tx) -> None:
            for projection in projections:
                types = types_of(projection)
                cursor = repository.lock_cursor(tx, projection.name)
                for fact in facts:
                    if fact.seq > cursor and fact.type in types:
                        projection.apply(tx, fact)
                repository.move_cursor(tx, projection.name, facts[-1].seq)

        await self._tenants.write(tenant_id, use_case)

    async def claim(
        self, tenant_id: TenantId, name: str, *, holder: str, seconds: float
    ) -> int | None:
        """Return the cursor of a reaction that `holder` alone may run now; None when it may not."""

        def use_case(tx: Tx) -> int | None:
            if not repository.claim(tx, name, holder, seconds_after(tx.now, seconds)):
                return None
            return repository.lock_cursor(tx, name)

        return await self._tenants.write(tenant_id, use_case)

    async def release(self, tenant_id: TenantId, name: str, *, holder: str, through: int) -> None:
        """Move the cursor and give the lease back."""

        def use_case(tx: Tx) -> None:
            repository.move_cursor(tx, name, through)
            repository.release(tx, name, holder)

        await self._tenants.write(tenant_id, use_case)

    async def park(
        self, tenant_id: TenantId, name: str, fact: RecordedFact, *, attempts: int, error: str
    ) -> None:
        """Set a fact aside and move the cursor past it."""

        def use_case(tx: Tx) -> None:
            repository.park(tx, name, fact, attempts=attempts, error=error[:error_characters_max])
            repository.move_cursor(tx, name, fact.seq)

        await self._tenants.write(tenant_id, use_case)

    async def skip(self, tenant_id: TenantId, positions: dict[str, int]) -> None:
        """Move cursors past facts that do not concern their followers."""

        def use_case(tx: Tx) -> None:
            for name, seq in positions.items():
                repository.lock_cursor(tx, name)
                repository.move_cursor(tx, name, seq)

        await self._tenants.write(tenant_id, use_case)


def types_of(follower: object) -> frozenset[str]:
    """Return the names of the facts that a projection or reaction follows."""
    return frozenset(fact.__name__ for fact in getattr(follower, "facts", ()))

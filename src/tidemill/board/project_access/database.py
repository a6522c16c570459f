"""The tenants' stores as somebody may see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tidemill.board.project_access.models import Reader, reader_of
from tidemill.board.project_access.transaction import WalledTx
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx

T = TypeVar("T")


class WalledDatabase:
    """Runs use cases of people; each sees the projects that its actor may see, and no others."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants

    async def read(self, actor: Actor, use_case: Callable[[Tx], T]) -> T:
        """See `Database.read`; the tenant is that of `actor`."""
        return await self._tenants.read(actor.tenant_id, _behind_walls(use_case, actor))

    async def write(
        self, actor: Actor, use_case: Callable[[Tx], T], *, once: Once[T] | None = None
    ) -> T:
        """See `Database.write`; the tenant is that of `actor`."""
        return await self._tenants.write(actor.tenant_id, _behind_walls(use_case, actor), once=once)


def _behind_walls(use_case: Callable[[Tx], T], actor: Actor) -> Callable[[Tx], T]:
    reader: Reader | None = reader_of(actor)
    if reader is None:
        return use_case
    return lambda tx: use_case(WalledTx(tx, reader))

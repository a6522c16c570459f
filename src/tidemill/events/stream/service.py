"""Reading and extending the streams of tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from tidemill.core.facts import RecordedFact
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx
from tidemill.events.stream import repository
from tidemill.events.stream.models import Head

page_length: Final = 200


class Stream:
    """The logs of all tenants; each fact in them has its number for ever."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants

    async def head(self, tenant_id: TenantId) -> Head:
        """Return the head of the tenant's stream, which is begun when there is none."""
        found = await self._tenants.read(tenant_id, repository.head)
        if found is not None:
            return found
        return await self._tenants.write(tenant_id, _begin)

    async def after(
        self, tenant_id: TenantId, seq: int, *, limit: int = page_length
    ) -> list[RecordedFact]:
        """Return the facts that follow `seq`, in order, at most `limit`."""
        return await self._tenants.read(tenant_id, lambda tx: repository.after(tx, seq, limit))

    async def unpublished(self, tenant_id: TenantId, heard: int) -> tuple[int, list[RecordedFact]]:
        """Return the head's number and the first facts that the bus has not heard.

        `heard` is what the caller knows to be published beyond what the store says.
        """

        def use_case(tx: Tx) -> tuple[int, list[RecordedFact]]:
            head = repository.head(tx)
            if head is None:
                return 0, []
            known = heard if heard <= head.seq else 0
            after = max(head.published_seq, known)
            if after >= head.seq:
                return head.seq, []
            return head.seq, repository.after(tx, after, page_length)

        return await self._tenants.read(tenant_id, use_case)

    async def published(self, tenant_id: TenantId, seq: int) -> None:
        """Keep that the bus has heard everything up to `seq`."""
        await self._tenants.write(tenant_id, lambda tx: repository.published(tx, seq))

    async def append_once(self, tenant_id: TenantId, facts: Sequence[RecordedFact]) -> int:
        """Number and append what the stream does not hold yet; return how many that were.

        The head is locked before looking, so two relays that carry the same facts cannot both
        find them missing.
        """

        def use_case(tx: Tx) -> int:
            repository.make_head(tx)
            head = repository.lock_head(tx)
            missing = [fact for fact in facts if not repository.is_known(tx, fact.id)]
            numbered = [
                structs.replace(fact, seq=seq) for seq, fact in enumerate(missing, head.seq + 1)
            ]
            if numbered:
                repository.append(tx, numbered)
                repository.move_head(tx, numbered[-1].seq)
            return len(numbered)

        return await self._tenants.write(tenant_id, use_case)


def _begin(tx: Tx) -> Head:
    repository.make_head(tx)
    return repository.lock_head(tx)

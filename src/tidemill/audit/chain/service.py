"""Puts what was audited into the tenants' chains, and checks that the chains hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import structlog
from msgspec import Struct

from tidemill.audit.chain import repository
from tidemill.audit.chain.models import (
    GENESIS,
    ChainProblem,
    Checker,
    Entry,
    Erasure,
    Head,
    Line,
    Query,
    erasure,
    erasure_of,
    intact_through,
    key_of,
    next_line,
    remains_with,
)
from tidemill.audit.chain.witness import Witness, WitnessedLineLost, WitnessForged
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.crash import crash_point
from tidemill.core.errors import TidemillError
from tidemill.core.figures import Counts
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, StoreKind, Tx
from tidemill.events import Progress

log = structlog.get_logger(__name__)

page_length: Final = 500
erased_lines_max: Final = 1_000


class Verification(Struct, frozen=True, kw_only=True):
    """What a check of one chain found."""

    lines: int
    head: Head
    witnessed: Head | None
    problems: list[ChainProblem]

    @property
    def holds(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.problems


class Chain:
    """The audit chains of all tenants, each in its tenant's store."""

    name: Final = "audit_chain"
    kinds: Final = frozenset(StoreKind)
    # One turn serves all that was audited meanwhile; readers hardly look sooner.
    delay_seconds: Final = 0.05

    def __init__(
        self,
        stores: Mapping[StoreKind, Database],
        key: bytes,
        witness: Witness,
    ) -> None:
        self._stores = stores
        self._tenants = stores[StoreKind.TENANT]
        self._key = key
        self._witness = witness
        self.lines_added = 0
        self.verified = Counts()

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Put a page of pending entries into the tenant's chain."""
        if kind is StoreKind.TENANT:
            count = await self._tenants.write(tenant_id, self._take_own)
        else:
            count = await self._take_from(self._stores[kind], tenant_id)
        if count:
            self.lines_added += count
            await self._witness.moved(tenant_id)
        return Progress(more=count == page_length)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Nothing is kept in memory."""

    async def head(self, tenant_id: TenantId) -> Head:
        """Return the last line's number and hash."""
        return await self._tenants.read(tenant_id, repository.head)

    async def head_after(self, tenant_id: TenantId, witnessed: Head | None) -> Head:
        """Return the head of a chain that still has its line `witnessed`.

        Raises `WitnessedLineLost`.
        """
        if witnessed is not None and witnessed.seq:
            lines = await self._tenants.read(tenant_id, _lines_after(witnessed.seq - 1, limit=1))
            if [(line.seq, line.hash) for line in lines] != [(witnessed.seq, witnessed.hash)]:
                raise WitnessedLineLost(
                    f"Line {witnessed.seq} is not in the chain as it was witnessed. "
                    "Look with `tidemill audit verify`."
                )
        return await self.head(tenant_id)

    async def verify(self, tenant_id: TenantId) -> Verification:
        """Walk the whole chain of a tenant; pages, so that it blocks nobody."""
        checker = Checker(key_of(self._key, tenant_id))
        try:
            witnessed = await self._witness.last(tenant_id)
        except WitnessForged as forged:
            witnessed = None
            checker.forged(str(forged))
        stored = await self.head(tenant_id)
        count = await self._walk(tenant_id, checker, stored, witnessed)
        if checker.misses_erasure:
            # Retention may have erased while we walked. The line that says so was committed with
            # that: it is one of those up to now, however many follow.
            stored = await self.head(tenant_id)
            count += await self._walk(tenant_id, checker, stored, witnessed)
        checker.finish(stored, witnessed)
        self.verified.add("broken" if checker.problems else "holds")
        return Verification(
            lines=count, head=checker.head, witnessed=witnessed, problems=checker.problems
        )

    async def _walk(
        self, tenant_id: TenantId, checker: Checker, stored: Head, witnessed: Head | None
    ) -> int:
        """Check the lines after those checked before, up to the stored head; return how many."""
        count, ends = 0, False
        while not ends:
            lines = await self._tenants.read(tenant_id, _page_after(checker.head.seq))
            # What was added while we walk is checked the next time.
            known = [line for line in lines if line.seq <= stored.seq]
            for line in known:
                checker.check(line)
                checker.witness(line, witnessed)
            count += len(known)
            ends = len(known) < page_length
            if len(known) < len(lines) and await self.head(tenant_id) == stored:
                checker.head_set_back()
        return count

    async def search(self, query: Query, page: PageRequest, *, actor: Actor) -> Page[Line]:
        """Return lines of the actor's tenant that match, newest first."""
        before = after_number(page)
        lines = await self._tenants.read(
            actor.tenant_id,
            lambda tx: repository.search(
                tx, query.filters(), before_seq=before, limit=page.limit_plus_one
            ),
        )
        return page_of(lines, page, lambda line: (line.seq,))

    async def export(self, query: Query, *, actor: Actor) -> AsyncIterator[list[Line]]:
        """Yield pages of matching lines of the actor's tenant, in the order of the chain."""
        after_seq = 0
        while True:
            lines = await self._tenants.read(actor.tenant_id, _page_after(after_seq))
            found = [line for line in lines if query.includes(line)]
            if found:
                yield found
            if len(lines) < page_length:
                return
            after_seq = lines[-1].seq

    async def erase_before(self, before: Instant) -> int:
        """Erase what lines of every tenant before an instant say; the chains stay whole.

        Each chain gets a line that says how far, so that any other loss of a body shows. What
        somebody has changed stays, with all that follows it, for `verify` to find.
        """
        erased, last, full = await self._erase_if_possible(INSTALLATION, before), "", True
        while full:
            tenants = await self._stores[StoreKind.CONTROL].read(INSTALLATION, _tenants_after(last))
            for tenant in tenants:
                erased += await self._erase_if_possible(TenantId(tenant), before)
            full = len(tenants) == page_length
            last = tenants[-1] if tenants else last
        return erased

    async def _erase_if_possible(self, tenant_id: TenantId, before: Instant) -> int:
        try:
            return await self._erase(tenant_id, before)
        except TidemillError as error:
            # Its store is away; the others must not wait for it.
            log.warning("audit.erase.failed", tenant_id=tenant_id, reason=error.code)
            return 0

    async def _erase(self, tenant_id: TenantId, before: Instant) -> int:
        erased = 0
        while True:
            count, changed = await self._tenants.write(
                tenant_id, lambda tx: self._erase_some(tx, before)
            )
            if changed is not None:
                log.error("audit.erase.stopped", tenant_id=tenant_id, seq=changed)
            if not count:
                return erased
            erased += count
            await self._witness.moved(tenant_id)

    def _erase_some(self, tx: Tx, before: Instant) -> tuple[int, int | None]:
        """Return how many lines were erased; where none may be, the number of a changed one."""
        repository.locked_head(tx)
        span = repository.erasable(tx, before)
        if span is None:
            return 0, None
        first, last = span[0], min(span[1], span[0] + erased_lines_max - 1)
        said = _last_erasure(tx)
        if first != said.through_seq + 1:
            return 0, said.through_seq + 1
        lines = repository.forward(tx, after=max(first - 2, 0), limit=last - max(first - 2, 0))
        # Else what somebody has changed would pass for erased, and be proven to be.
        last = min(last, intact_through(key_of(self._key, tx.tenant_id), lines, first=first))
        if last < first:
            return 0, first
        now_said = Erasure(through_seq=last, remains=_remains(tx, said, last))
        repository.erase(tx, first, last)
        self._append(tx, [erasure(tx.new_id(), tx.now, tx.tenant_id, now_said)])
        return last - first + 1, None

    def _take_own(self, tx: Tx) -> int:
        if not repository.pending(tx, 1):
            return 0
        # Read under the lock: what another process has taken meanwhile is gone from the outbox.
        repository.locked_head(tx)
        entries = repository.pending(tx, page_length)
        if entries:
            self._append(tx, entries)
            repository.remove_pending(tx, entries)
        return len(entries)

    async def _take_from(self, store: Database, tenant_id: TenantId) -> int:
        entries = await store.read(tenant_id, lambda tx: repository.pending(tx, page_length))
        if not entries:
            return 0
        crash_point("audit_before_append")
        await self._tenants.write(tenant_id, lambda tx: self._append_once(tx, entries))
        crash_point("audit_after_append")
        await store.write(tenant_id, lambda tx: repository.mark_delivered(tx, entries))
        return len(entries)

    def _append_once(self, tx: Tx, entries: Sequence[Entry]) -> None:
        # A crash between append and delivery brings an entry twice, and so may another process.
        repository.locked_head(tx)
        known = repository.known(tx, entries)
        self._append(tx, [entry for entry in entries if entry.id not in known])

    def _append(self, tx: Tx, entries: Sequence[Entry]) -> None:
        key = key_of(self._key, tx.tenant_id)
        head = repository.locked_head(tx)
        lines: list[Line] = []
        for entry in entries:
            line = next_line(key, head, entry)
            head = Head(seq=line.seq, hash=line.hash)
            lines.append(line)
        if lines:
            repository.add(tx, lines)


def _last_erasure(tx: Tx) -> Erasure:
    entry = repository.last_erasure(tx)
    return erasure_of(entry) if entry else Erasure(through_seq=0)


def _remains(tx: Tx, before: Erasure, last: int) -> str:
    """Return what covers the lines up to `last` once they are erased."""
    after, covering = before.through_seq, before.remains
    if covering is None:
        after, covering = 0, GENESIS
    while rows := repository.remains(tx, after=after, last=last, limit=erased_lines_max):
        for seq, id_, at in rows:
            covering = remains_with(covering, seq, id_, at)
        after = rows[-1][0]
    return covering


def _page_after(seq: int) -> repository.Pages:
    return _lines_after(seq, limit=page_length)


def _lines_after(seq: int, *, limit: int) -> repository.Pages:
    return lambda tx: repository.forward(tx, after=seq, limit=limit)


def _tenants_after(last: str) -> repository.Tenants:
    return lambda tx: repository.active_tenants(tx, after=last, limit=page_length)

"""Which SQLite stores hold undelivered facts or audit lines, also after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Row, StoreKind, Tx
from tidemill.infrastructure.database.listeners import tell
from tidemill.infrastructure.database.sqlite.database import SqliteStore

_log = structlog.get_logger(__name__)

_MARK: Final = """
    INSERT INTO tenant_wakeups (tenant_id, kind, due_at) VALUES (:tenant_id, 'tenant', :now)
    ON CONFLICT (tenant_id, kind) DO NOTHING
"""
_UNMARK: Final = "DELETE FROM tenant_wakeups WHERE tenant_id = :tenant_id AND kind = 'tenant'"
_MARKED: Final = "SELECT tenant_id FROM tenant_wakeups WHERE kind = 'tenant' ORDER BY tenant_id"
_UNDELIVERED: Final = """
    SELECT tenant_id FROM outbox WHERE delivered_at IS NULL
    UNION
    SELECT tenant_id FROM audit_outbox WHERE delivered_at IS NULL
"""


class SqliteWakeups:
    """See `Wakeups`. A tenant's row is durable before the first write to its open file."""

    def __init__(self, control: SqliteStore, jobs: Database) -> None:
        self.marked: set[TenantId] = set()
        self._control = control
        self._jobs = jobs
        self._pending: set[TenantId] = set()
        self._marking: dict[TenantId, asyncio.Future[int]] = {}
        self._handlers: list[Callable[[StoreKind, TenantId], None]] = []
        self.reopen: Callable[[TenantId], None] = lambda _tenant: None

    def on_dirty(self, handler: Callable[[StoreKind, TenantId], None]) -> None:
        """See `Wakeups.on_dirty`."""
        self._handlers.append(handler)

    async def dirty(self) -> Sequence[tuple[StoreKind, TenantId]]:
        """See `Wakeups.dirty`."""
        found: list[tuple[StoreKind, TenantId]] = []
        for kind, store in ((StoreKind.CONTROL, self._control), (StoreKind.JOBS, self._jobs)):
            rows = await store.read(INSTALLATION, _undelivered)
            found.extend((kind, TenantId(row[0])) for row in rows)
        marked = await self._control.read(INSTALLATION, lambda tx: tx.all(_MARKED))
        for row in marked:
            tenant = TenantId(row[0])
            if tenant not in self.marked:
                # Left by a process that died: the row goes when the file closes clean.
                self.marked.add(tenant)
                self._pending.add(tenant)
            if tenant in self._pending:
                found.append((StoreKind.TENANT, tenant))
        return found

    async def delivered(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """See `Wakeups.delivered`."""
        if kind is StoreKind.TENANT:
            self._pending.discard(tenant_id)
            if tenant_id in self.marked:
                self.reopen(tenant_id)

    async def mark(self, tenant: TenantId) -> None:
        """Return once the row of `tenant` is durable."""
        marking = self._marking.get(tenant)
        if marking is None:
            marking = self._control.submit(tenant, lambda tx: tx.execute(_MARK))
            self._marking[tenant] = marking
            marking.add_done_callback(lambda done: self._is_marked(tenant, done))
        await asyncio.shield(marking)

    def closed(self, tenant: TenantId, *, clean: bool) -> None:
        """Remove the row of a file that closed with nothing undelivered in it."""
        if not clean or tenant in self._pending or tenant not in self.marked:
            return
        self.marked.discard(tenant)
        # Queued at once: a write that opens the file again marks it after this.
        removal = self._control.submit(tenant, lambda tx: tx.execute(_UNMARK))
        removal.add_done_callback(_tell_failure)

    def announce(self, kind: StoreKind, tenant: TenantId) -> None:
        """Tell the handlers that a commit left something to deliver."""
        if kind is StoreKind.TENANT:
            self._pending.add(tenant)
        tell(self._handlers, kind, tenant)

    def _is_marked(self, tenant: TenantId, done: asyncio.Future[int]) -> None:
        del self._marking[tenant]
        if not done.cancelled() and done.exception() is None:
            self.marked.add(tenant)
            if not done.result():
                # The row was there: whoever wrote it died, and nobody has looked since.
                self._pending.add(tenant)


def _undelivered(tx: Tx) -> Sequence[Row]:
    return tx.all(_UNDELIVERED)


def _tell_failure(done: asyncio.Future[int]) -> None:
    if not done.cancelled() and done.exception() is not None:
        # The row stays: the next start opens one store too many, which loses nothing.
        _log.warning("wakeups.unmark_failed", reason=str(done.exception()))

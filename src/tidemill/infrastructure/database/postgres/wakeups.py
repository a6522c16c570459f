"""Which PostgreSQL stores hold undelivered facts or audit lines, in this process or another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database, Row, StoreKind, Tx
from tidemill.infrastructure.database.listeners import tell
from tidemill.infrastructure.database.postgres.signals import Signals

# A row is due when every transaction that it was written for has ended, one way or the other.
_due_seconds: Final = 30
_renew_seconds: Final = 15
_settled_seconds: Final = 2
_page_max: Final = 10_000

_MARK: Final = """
    INSERT INTO {schema}.tenant_wakeups AS old (tenant_id, kind, due_at)
    SELECT tenant_id, 'tenant', $2 FROM unnest($1::text[]) AS marks (tenant_id)
    ORDER BY tenant_id
    ON CONFLICT (tenant_id, kind) DO UPDATE SET due_at = GREATEST(old.due_at, excluded.due_at)
"""
_UNMARK: Final = """
    DELETE FROM tenant_wakeups
    WHERE tenant_id = :tenant_id AND kind = 'tenant' AND due_at <= :now
"""
_DUE: Final = """
    SELECT tenant_id FROM tenant_wakeups
    WHERE kind = 'tenant' AND due_at <= :due ORDER BY due_at LIMIT :limit
"""
_UNDELIVERED: Final = """
    SELECT tenant_id FROM outbox WHERE delivered_at IS NULL AND at <= :before
    UNION
    SELECT tenant_id FROM audit_outbox WHERE delivered_at IS NULL AND at <= :before
"""


class PostgresWakeups:
    """See `Wakeups`.

    Before a tenant's facts commit, a row says until when they will have; other processes hear of
    the commit at once, and look when the row is due in case this one died in between.
    """

    def __init__(
        self, control: Database, jobs: Database, clock: Clock, signals: Signals, schema: str
    ) -> None:
        self._control = control
        self._jobs = jobs
        self._clock = clock
        self._signals = signals
        self._mark_sql = _MARK.format(schema=schema)
        self._marked_until: dict[TenantId, float] = {}
        self._to_mark: set[TenantId] = set()
        self._marking: asyncio.Future[None] | None = None
        self._handlers: list[Callable[[StoreKind, TenantId], None]] = []

    def on_dirty(self, handler: Callable[[StoreKind, TenantId], None]) -> None:
        """See `Wakeups.on_dirty`."""
        self._handlers.append(handler)

    async def dirty(self) -> Sequence[tuple[StoreKind, TenantId]]:
        """See `Wakeups.dirty`."""
        return await self._look(marked_before=2**62, settled=0)

    async def delivered(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """See `Wakeups.delivered`."""
        if kind is StoreKind.TENANT:
            await self._control.write(tenant_id, lambda tx: tx.execute(_UNMARK))

    async def poll(self) -> None:
        """Tell the handlers of what another process left behind."""
        now = self._clock.now()
        for kind, tenant in await self._look(marked_before=now, settled=_settled_seconds):
            self.hear(kind, tenant)

    def announce(self, kind: StoreKind, tenant: TenantId) -> None:
        """Tell the handlers here and in other processes that a commit left something."""
        self.hear(kind, tenant)
        self._signals.send(f"dirty {kind} {tenant}")

    def hear(self, kind: StoreKind, tenant: TenantId) -> None:
        """Tell the handlers here."""
        tell(self._handlers, kind, tenant)

    async def mark(self, tenant: TenantId) -> None:
        """Return once a row stands for what `tenant` is about to commit."""
        if self._marked_until.get(tenant, 0.0) > self._clock.monotonic():
            return
        self._to_mark.add(tenant)
        if self._marking is None:
            self._marking = asyncio.ensure_future(self._write_marks())
        await asyncio.shield(self._marking)

    async def _write_marks(self) -> None:
        # Those who come while the connection is busy share the next statement.
        def batch(connection: Any) -> Any:
            self._marking = None
            tenants, self._to_mark = sorted(self._to_mark), set()
            return self._mark(connection, tenants)

        try:
            await self._signals.use(batch)
        except BaseException:
            self._marking = None
            raise

    async def _mark(self, connection: Any, tenants: list[TenantId]) -> None:
        until = self._clock.monotonic() + _renew_seconds
        due_at = self._clock.now() + _due_seconds * MICROSECONDS_PER_SECOND
        await connection.execute(self._mark_sql, tenants, due_at)
        if len(self._marked_until) > _page_max:
            self._marked_until.clear()
        self._marked_until.update(dict.fromkeys(tenants, until))

    async def _look(
        self, *, marked_before: int, settled: float
    ) -> list[tuple[StoreKind, TenantId]]:
        before = self._clock.now() - int(settled * MICROSECONDS_PER_SECOND)

        def outboxes(tx: Tx) -> Sequence[Row]:
            return tx.all(_UNDELIVERED, before=before)

        def control(tx: Tx) -> tuple[Sequence[Row], Sequence[Row]]:
            return outboxes(tx), tx.all(_DUE, due=marked_before, limit=_page_max)

        in_control, in_tenants = await self._control.read(INSTALLATION, control)
        in_jobs = await self._jobs.read(INSTALLATION, outboxes)
        return [
            (kind, TenantId(row[0]))
            for kind, rows in (
                (StoreKind.CONTROL, in_control),
                (StoreKind.JOBS, in_jobs),
                (StoreKind.TENANT, in_tenants),
            )
            for row in rows
        ]

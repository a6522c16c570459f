"""The SQL of marks: when a tenant has something of one kind to do next."""

from __future__ import annotations

from typing import Final

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx

_MARK: Final = "SELECT due_at FROM tenant_wakeups WHERE tenant_id = :tenant_id AND kind = :kind"
_ADD: Final = """
    INSERT INTO tenant_wakeups (tenant_id, kind, due_at)
    VALUES (:tenant_id, :kind, :due_at)
    ON CONFLICT (tenant_id, kind) DO NOTHING
"""
_MOVE: Final = """
    UPDATE tenant_wakeups SET due_at = :due_at
    WHERE tenant_id = :tenant_id AND kind = :kind AND due_at = :seen
"""
_REMOVE: Final = """
    DELETE FROM tenant_wakeups WHERE tenant_id = :tenant_id AND kind = :kind AND due_at = :seen
"""
_MARKED: Final = """
    SELECT tenant_id FROM tenant_wakeups
    WHERE kind = :kind AND due_at <= :now
    ORDER BY due_at LIMIT :limit
"""


class MarkRepository:
    """Marks of one kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def of(self, tx: Tx) -> Instant | None:
        """Return the tenant's mark."""
        row = tx.one(_MARK, kind=self._kind)
        return Instant(row[0]) if row else None

    def move(self, tx: Tx, seen: Instant | None, due_at: Instant | None) -> bool:
        """Set the mark, or remove it for None; False when it is no more what was `seen`."""
        if due_at is None:
            return seen is None or tx.execute(_REMOVE, kind=self._kind, seen=seen) == 1
        if seen is None:
            return tx.execute(_ADD, kind=self._kind, due_at=due_at) == 1
        return tx.execute(_MOVE, kind=self._kind, due_at=due_at, seen=seen) == 1

    def due(self, tx: Tx, limit: int) -> list[TenantId]:
        """Return the tenants whose marks are due."""
        return [TenantId(row[0]) for row in tx.all(_MARKED, kind=self._kind, limit=limit)]

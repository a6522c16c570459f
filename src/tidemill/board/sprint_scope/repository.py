"""The SQL of the ledger, and of the sprints that items may enter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.board.contract import SprintId, WorkItemId
from tidemill.board.sprint_scope.models import OpenSprint, ScopeEvent, ScopeKind
from tidemill.core.ports import Tx

_SPRINT: Final = """
    SELECT id, project_id, name, status FROM sprints
    WHERE tenant_id = :tenant_id AND id = :id AND deleted_at IS NULL
"""
_INSERT: Final = """
    INSERT INTO sprint_scope_events (tenant_id, sprint_id, id, work_item_id, kind, scope_count,
        scope_points, done_count, done_points, at)
    VALUES (:tenant_id, :sprint_id, :id, :work_item_id, :kind, :scope_count, :scope_points,
        :done_count, :done_points, :now)
"""
_EVENTS: Final = """
    SELECT kind, scope_count, scope_points, done_count, done_points, at
    FROM sprint_scope_events
    WHERE tenant_id = :tenant_id AND sprint_id = :sprint_id
    ORDER BY at, id
"""


def sprint(tx: Tx, sprint_id: SprintId) -> OpenSprint | None:
    """Return a living sprint, which cannot end before the transaction does."""
    share = " FOR SHARE" if tx.dialect == "postgres" else ""
    row = tx.one(_SPRINT + share, id=sprint_id)
    return OpenSprint(*row) if row else None


def add(tx: Tx, item_id: WorkItemId, events: Iterable[ScopeEvent]) -> None:
    """Write what a change of the item meant for its sprints."""
    for event in events:
        tx.execute(
            _INSERT,
            id=tx.new_id(),
            sprint_id=event.sprint_id,
            work_item_id=item_id,
            kind=event.kind.value,
            scope_count=event.scope_count,
            scope_points=event.scope_points,
            done_count=event.done_count,
            done_points=event.done_points,
        )


def events_of(tx: Tx, sprint_id: SprintId) -> list[ScopeEvent]:
    """Return the ledger of a sprint, oldest first."""
    return [
        ScopeEvent(
            sprint_id=sprint_id,
            kind=ScopeKind(kind),
            scope_count=scope_count,
            scope_points=scope_points,
            done_count=done_count,
            done_points=done_points,
            at=at,
        )
        for kind, scope_count, scope_points, done_count, done_points, at in tx.all(
            _EVENTS, sprint_id=sprint_id
        )
    ]

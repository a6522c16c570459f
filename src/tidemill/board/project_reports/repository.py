"""The SQL of reports over a project's past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.board.contract import ProjectId
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_COMPLETED: Final = """
    SELECT id, name, ended_at, snapshot FROM sprints
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = 'completed'
        AND snapshot IS NOT NULL AND deleted_at IS NULL
    ORDER BY ended_at DESC, id DESC
    LIMIT :limit
"""
# Each change of an item also changes its `updated_at`: what moved since is among these.
_MOVED: Final = """
    SELECT w.id, w.created_at, w.deleted_at, w.status, a.at, a.old_value, a.new_value
    FROM work_items AS w
    LEFT JOIN activities AS a
        ON a.tenant_id = w.tenant_id AND a.work_item_id = w.id AND a.field = 'status'
    WHERE w.tenant_id = :tenant_id AND w.project_id = :project_id AND w.updated_at >= :since
        AND (w.deleted_at IS NULL OR w.deleted_at >= :since)
    ORDER BY w.id, a.version
"""
_STILL: Final = """
    SELECT status, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND updated_at < :since
        AND deleted_at IS NULL
    GROUP BY status
"""
_OPEN: Final = """
    SELECT status, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
    GROUP BY status
"""


def completed_sprints(tx: Tx, project_id: ProjectId, limit: int) -> Sequence[Sequence[Any]]:
    """Return id, name, end and report of the last completed sprints, the latest first."""
    return tx.all(_COMPLETED, project_id=project_id, limit=limit)


def moved(tx: Tx, project_id: ProjectId, since: Instant) -> Sequence[Sequence[Any]]:
    """Return a row for each change of status of the items that changed since an instant.

    Id, creation, deletion and status of the item; then instant, old and new value of the change,
    oldest first, or three nulls for an item whose status never changed.
    """
    return tx.all(_MOVED, project_id=project_id, since=since)


def still(tx: Tx, project_id: ProjectId, since: Instant) -> dict[str, int]:
    """Return how many items that nobody changed since an instant are in each status."""
    return dict(tuple(row) for row in tx.all(_STILL, project_id=project_id, since=since))


def by_status(tx: Tx, project_id: ProjectId) -> dict[str, int]:
    """Return how many items are in each status now."""
    return dict(tuple(row) for row in tx.all(_OPEN, project_id=project_id))

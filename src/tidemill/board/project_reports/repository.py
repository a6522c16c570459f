"""The SQL of reports over a project's past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tidemill.board.contract import ProjectId
from tidemill.board.workflows.models import Category
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
    SELECT w.id, w.created_at, w.deleted_at, w.status_category, a.at, a.old_value, a.new_value
    FROM work_items AS w
    LEFT JOIN activities AS a
        ON a.tenant_id = w.tenant_id AND a.work_item_id = w.id AND a.field = 'status'
    WHERE w.tenant_id = :tenant_id AND w.project_id = :project_id AND w.updated_at >= :since
        AND (w.deleted_at IS NULL OR w.deleted_at >= :since)
    ORDER BY w.id, a.version
"""
_STILL: Final = """
    SELECT status_category, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND updated_at < :since
        AND deleted_at IS NULL
    GROUP BY status_category
"""
_BY_CATEGORY: Final = """
    SELECT status_category, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
    GROUP BY status_category
"""


def completed_sprints(tx: Tx, project_id: ProjectId, limit: int) -> Sequence[Sequence[Any]]:
    """Return id, name, end and report of the last completed sprints, the latest first."""
    return tx.all(_COMPLETED, project_id=project_id, limit=limit)


def moved(tx: Tx, project_id: ProjectId, since: Instant) -> Sequence[Sequence[Any]]:
    """Return a row for each change of status of the items that changed since an instant.

    Id, creation, deletion and category of the item; then instant, old and new value of the change,
    oldest first, or three nulls for an item whose status never changed.
    """
    return tx.all(_MOVED, project_id=project_id, since=since)


def still(tx: Tx, project_id: ProjectId, since: Instant) -> dict[Category, int]:
    """Return how many items that nobody changed since an instant are in each category."""
    return _counts(tx.all(_STILL, project_id=project_id, since=since))


def by_category(tx: Tx, project_id: ProjectId) -> dict[Category, int]:
    """Return how many items are in each category now."""
    return _counts(tx.all(_BY_CATEGORY, project_id=project_id))


def _counts(rows: Sequence[Sequence[Any]]) -> dict[Category, int]:
    counts = {Category(category): count for category, count in rows}
    return {category: counts.get(category, 0) for category in Category}

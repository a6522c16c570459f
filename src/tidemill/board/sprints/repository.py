"""The SQL of sprints."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId, SprintId
from tidemill.board.sprints.models import Sprint, SprintStatus
from tidemill.core.ports import Tx, Value

_COLUMNS: Final = """
    SELECT id, project_id, name, goal, start_date, end_date, status, started_at, ended_at,
        snapshot, version, created_at, created_by, updated_at, updated_by, deleted_at
    FROM sprints
"""
_BY_ID: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :id AND deleted_at IS NULL"
_ACTIVE: Final = (
    _COLUMNS
    + """
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = 'active'
        AND deleted_at IS NULL
    LIMIT 1
"""
)
_INSERT: Final = """
    INSERT INTO sprints (tenant_id, id, project_id, name, goal, start_date, end_date, status,
        version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :name, :goal, :start_date, :end_date, :status,
        :version, :created_at, :created_by, :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE sprints
    SET name = :name, goal = :goal, start_date = :start_date, end_date = :end_date,
        status = :status, started_at = :started_at, ended_at = :ended_at, snapshot = :snapshot,
        version = :version, updated_at = :updated_at, updated_by = :updated_by,
        deleted_at = :deleted_at
    WHERE tenant_id = :tenant_id AND id = :id AND version = :version - 1
"""
# The latest first: what people look for is near today.
_PAGE: Final = (
    _COLUMNS
    + """
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
        {conditions}
    ORDER BY start_date DESC, id DESC
    LIMIT :limit
"""
)
_AFTER: Final = "AND (start_date < :after_date OR (start_date = :after_date AND id < :after_id))"
_OF_STATUS: Final = "AND status = :status"


class SprintRepository:
    """Sprints of a tenant."""

    def add(self, tx: Tx, sprint: Sprint) -> None:
        """Insert a sprint that was just planned."""
        tx.execute(
            _INSERT,
            id=sprint.id,
            project_id=sprint.project_id,
            name=sprint.name,
            goal=sprint.goal,
            start_date=sprint.start_date,
            end_date=sprint.end_date,
            status=sprint.status,
            version=sprint.version,
            created_at=sprint.created_at,
            created_by=sprint.created_by,
            updated_at=sprint.updated_at,
            updated_by=sprint.updated_by,
        )

    def find(self, tx: Tx, sprint_id: SprintId, *, lock: bool = False) -> Sprint | None:
        """Return a living sprint; with `lock` nobody else changes it, or puts items into it."""
        # Whoever changes an item of the sprint holds it already, and writes a line that refers to
        # the sprint: FOR UPDATE would make that wait for this, and this for the item.
        suffix = " FOR NO KEY UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=sprint_id)
        return Sprint(*row) if row else None

    def active(self, tx: Tx, project_id: ProjectId) -> Sprint | None:
        """Return an active sprint of a project."""
        row = tx.one(_ACTIVE, project_id=project_id)
        return Sprint(*row) if row else None

    def save(self, tx: Tx, sprint: Sprint) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=sprint.id,
            name=sprint.name,
            goal=sprint.goal,
            start_date=sprint.start_date,
            end_date=sprint.end_date,
            status=sprint.status,
            started_at=sprint.started_at,
            ended_at=sprint.ended_at,
            snapshot=sprint.snapshot,
            version=sprint.version,
            updated_at=sprint.updated_at,
            updated_by=sprint.updated_by,
            deleted_at=sprint.deleted_at,
        )
        return changed == 1

    def page(
        self,
        tx: Tx,
        project_id: ProjectId,
        *,
        status: SprintStatus | None,
        after: tuple[str, str] | None,
        limit: int,
    ) -> list[Sprint]:
        """Return sprints of a project, the latest start first."""
        conditions, parameters = [], dict[str, Value]()
        if status is not None:
            conditions.append(_OF_STATUS)
            parameters["status"] = status.value
        if after is not None:
            conditions.append(_AFTER)
            parameters["after_date"], parameters["after_id"] = after
        sql = _PAGE.format(conditions="\n        ".join(conditions))
        rows = tx.all(sql, project_id=project_id, limit=limit, **parameters)
        return [Sprint(*row) for row in rows]

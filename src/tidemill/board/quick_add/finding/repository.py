"""The SQL that finds what a line names, and what it could have named instead."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.sprint_scope.models import OpenSprint
from tidemill.core.ports import Tx

names_max: Final = 500
_PEOPLE: Final = """
    SELECT name FROM people WHERE tenant_id = :tenant_id AND state = 'active'
    ORDER BY user_id LIMIT :limit
"""
_LABELS: Final = """
    SELECT name FROM labels
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL
        AND (project_id IS NULL OR project_id = :project_id)
    ORDER BY name, id LIMIT :limit
"""
_OPEN_SPRINTS: Final = """
    SELECT id, project_id, name, status FROM sprints
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND deleted_at IS NULL
        AND status IN ('planned', 'active')
    ORDER BY start_date, id LIMIT :limit
"""


class FindingRepository:
    """Names of a tenant, at most 500 of each kind."""

    def people(self, tx: Tx) -> list[str]:
        """Return the names of active members."""
        return [row[0] for row in tx.all(_PEOPLE, limit=names_max)]

    def labels(self, tx: Tx, project_id: ProjectId) -> list[str]:
        """Return the names of labels that items of a project can bear."""
        rows = tx.all(_LABELS, project_id=project_id, limit=names_max)
        return [row[0] for row in rows]

    def open_sprints(self, tx: Tx, project_id: ProjectId) -> list[OpenSprint]:
        """Return the sprints of a project that items can enter, the first to start first."""
        rows = tx.all(_OPEN_SPRINTS, project_id=project_id, limit=names_max)
        return [OpenSprint(*row) for row in rows]

"""The SQL of what holds for the time of projects."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.job_times.models import TimeSettings
from tidemill.core.ports import Tx

_FIND: Final = """
    SELECT project_id, jobs_booked_since, version, updated_at, updated_by FROM time_settings
    WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_SAVE: Final = """
    INSERT INTO time_settings (tenant_id, project_id, jobs_booked_since, version, updated_at,
        updated_by)
    VALUES (:tenant_id, :project_id, :jobs_booked_since, :version, :updated_at, :updated_by)
    ON CONFLICT (tenant_id, project_id) DO UPDATE
    SET jobs_booked_since = excluded.jobs_booked_since, version = excluded.version,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""


class TimeSettingsRepository:
    """What holds for the time of projects, one row each once it was set."""

    def find(self, tx: Tx, project_id: ProjectId) -> TimeSettings:
        """Return what holds for a project."""
        row = tx.one(_FIND, project_id=project_id)
        return TimeSettings(*row) if row else TimeSettings(project_id)

    def save(self, tx: Tx, settings: TimeSettings) -> None:
        """Write what holds; the caller holds the project's row."""
        tx.execute(
            _SAVE,
            project_id=settings.project_id,
            jobs_booked_since=settings.jobs_booked_since,
            version=settings.version,
            updated_at=settings.updated_at,
            updated_by=settings.updated_by,
        )

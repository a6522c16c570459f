"""The SQL of what holds for the boards of projects."""

from __future__ import annotations

from typing import Final

import msgspec

from tidemill.board.board_settings.models import BoardSettings, Rules
from tidemill.board.contract import ProjectId
from tidemill.core.ports import Tx

_FIND: Final = """
    SELECT id, rules, version, updated_at, updated_by FROM board_settings
    WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_SAVE: Final = """
    INSERT INTO board_settings (tenant_id, project_id, id, rules, version, updated_at, updated_by)
    VALUES (:tenant_id, :project_id, :id, :rules, :version, :updated_at, :updated_by)
    ON CONFLICT (tenant_id, project_id) DO UPDATE
    SET id = excluded.id, rules = excluded.rules, version = excluded.version,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""
_NAME_LIMITS: Final = """
    UPDATE projects SET limits_id = :limits_id WHERE tenant_id = :tenant_id AND id = :project_id
"""
_rules = msgspec.json.Decoder(Rules)


class BoardSettingsRepository:
    """What holds for the boards of projects, one row each once it was set."""

    def find(self, tx: Tx, project_id: ProjectId) -> BoardSettings:
        """Return what holds for the board of a project."""
        row = tx.one(_FIND, project_id=project_id)
        if row is None:
            return BoardSettings(project_id=project_id)
        id_, rules, version, updated_at, updated_by = row
        return BoardSettings(
            project_id=project_id,
            id=id_,
            rules=_rules.decode(rules),
            version=version,
            updated_at=updated_at,
            updated_by=updated_by,
        )

    def save(self, tx: Tx, settings: BoardSettings) -> None:
        """Write what holds; the caller holds the project's row.

        The project names the settings when they have limits that writes must look at.
        """
        tx.execute(
            _SAVE,
            project_id=settings.project_id,
            id=settings.id,
            rules=msgspec.json.encode(settings.rules).decode(),
            version=settings.version,
            updated_at=settings.updated_at,
            updated_by=settings.updated_by,
        )
        limits_id = settings.id if settings.rules.are_enforced else None
        tx.execute(_NAME_LIMITS, project_id=settings.project_id, limits_id=limits_id)

"""What one can do with the settings of a board."""

from __future__ import annotations

import msgspec

from tidemill.board.board_facts import BoardSettingsChanged
from tidemill.board.board_settings.models import BoardSettings, Rules, valid_rules
from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version


class BoardSettingsService:
    """Use cases of what holds for the board of a project."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._settings = BoardSettingsRepository()
        self._workflows = Workflows()

    async def get(self, project: str, *, actor: Actor) -> BoardSettings:
        """Return what holds for a project's board; raises `ProjectNotFound`."""

        def use_case(tx: Tx) -> BoardSettings:
            return self._settings.find(tx, self._living(tx, project).id)

        return await self._tenants.read(actor, use_case)

    async def put(
        self,
        project: str,
        rules: Rules,
        *,
        if_match: int | None,
        actor: Actor,
        once: Once[BoardSettings] | None = None,
    ) -> BoardSettings:
        """Say what holds for a project's board; what exceeds a new limit already may stay.

        Raises `ProjectNotFound`, `VersionChanged`, `ProjectIsArchived` and
        `InvalidBoardSettings`.
        """

        def use_case(tx: Tx) -> BoardSettings:
            found = self._living(tx, project, lock=True)
            old = self._settings.find(tx, found.id)
            check_version(old.version, if_match)
            if found.archived_at is not None:
                raise ProjectIsArchived(found.key)
            workflow = self._workflows.of(tx, found.id, found.workflow_id)
            wanted = valid_rules(rules, workflow)
            if wanted == old.rules:
                return old
            new = BoardSettings(
                project_id=found.id,
                id=tx.new_id(),
                rules=wanted,
                version=old.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            self._settings.save(tx, new)
            fact = BoardSettingsChanged(
                project_id=found.id, version=new.version, user_id=actor.user_id
            )
            tx.record(fact, by=actor)
            tx.audit(
                "board.board_settings.update",
                by=actor,
                resource=f"project:{found.id}",
                before=msgspec.to_builtins(old.rules),
                after=msgspec.to_builtins(wanted),
            )
            return new

        return await self._tenants.write(actor, use_case, once=once)

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project

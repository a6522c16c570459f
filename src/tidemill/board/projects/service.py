"""What one can do with projects."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tidemill.board.access_facts import ProjectVisibilityChanged
from tidemill.board.blocking.service import Blocking
from tidemill.board.contract import (
    ProjectCreated,
    ProjectDeleted,
    ProjectId,
    ProjectRestored,
    ProjectUpdated,
)
from tidemill.board.errors import ProjectChanged, ProjectKeyTaken, ProjectNotFound
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.permissions import WRITE_PROJECT_MEMBERS
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole, ProjectVisibility
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.service import require
from tidemill.board.project_access.whole import whole
from tidemill.board.projects.models import (
    Project,
    ProjectChanges,
    ProjectStatus,
    Stamp,
    changed,
    differences,
    keys_for,
    new_project,
    stamped,
)
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.actor import Actor
from tidemill.core.authorization import authorize
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx

_OF_OWNERS: Final = frozenset({"status", "visibility"})
"""What owners of a project alone may change of it."""


class ProjectService:
    """Use cases of projects; a project is named by its id or its key."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._projects = ProjectRepository()
        self._blocking = Blocking()
        self._kinds = ItemKinds()
        self._access = AccessRepository()

    async def create(
        self,
        fields: tuple[str | None, str, str | None],
        *,
        visibility: ProjectVisibility = ProjectVisibility.TENANT,
        actor: Actor,
        once: Once[Project] | None = None,
    ) -> Project:
        """Make a project of `fields`: key, name and description.

        Without a key it gets one that is free, made of its name.
        """
        wanted, name, description = fields

        def use_case(tx: Tx) -> Project:
            self._kinds.share(tx)
            key = self._free_key(tx, name) if wanted is None else wanted
            stamp = stamp_of(tx, actor)
            said = (key, name, description)
            made = ProjectId(tx.new_id())
            project = new_project(made, said, stamp, self._limits, visibility)
            if not self._projects.add(tx, project):
                raise ProjectKeyTaken(project.key)
            if actor.user_id is not None:
                self._access.put(tx, made, actor.user_id, ProjectRole.OWNER, by=stamp.by)
            tx.record(ProjectCreated(project=project.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "create", project, by=actor, after=project.state())
            return project

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, reference: str, *, actor: Actor) -> Project:
        """Return a project; raises `ProjectNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._living(tx, reference))

    async def list(
        self, page: PageRequest, *, status: ProjectStatus | None, actor: Actor
    ) -> Page[Project]:
        """Return projects by key, archived ones too unless `status` says otherwise."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Project]:
            return self._projects.page(tx, status=status, after=after, limit=page.limit_plus_one)

        projects = await self._tenants.read(actor, use_case)
        return page_of(projects, page, lambda project: (project.key,))

    async def change(
        self,
        reference: str,
        changes: ProjectChanges,
        expected: Expected,
        *,
        actor: Actor,
        once: Once[Project] | None = None,
    ) -> Project:
        """Change name, description, status or who sees it.

        Raises `VersionChanged`, `ProjectChanged`, `ProjectRoleNeeded` and, for who sees it,
        `PermissionDenied`: that is to let people in.
        """

        def use_case(tx: Tx) -> Project:
            project = self._living(tx, reference, lock=True)
            expected.check(project.version, ProjectChanged)
            wanted = changed(project, changes, stamp_of(tx, actor), self._limits)
            if wanted is project:
                return project
            fields = differences(project, wanted)
            if _OF_OWNERS & {field.field_name for field in fields}:
                require(tx, project.id, ProjectRole.OWNER, by=actor)
            if wanted.visibility != project.visibility:
                authorize(actor, WRITE_PROJECT_MEMBERS)
                self._access.lock(tx, project.id)
            self._save(tx, wanted)
            tx.record(
                ProjectUpdated(project=wanted.state(), changes=fields, user_id=actor.user_id),
                by=actor,
            )
            if wanted.visibility != project.visibility:
                tx.record(
                    ProjectVisibilityChanged(
                        project_id=project.id,
                        visibility=wanted.visibility,
                        user_id=actor.user_id,
                    ),
                    by=actor,
                )
            tx.audit(
                "board.projects.update",
                by=actor,
                resource=f"project:{project.id}",
                before={field.field_name: field.old_value for field in fields},
                after={field.field_name: field.new_value for field in fields},
            )
            return wanted

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, reference: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide a project and its items; `restore` brings them back."""

        def use_case(tx: Tx) -> None:
            project = self._living(tx, reference, lock=True)
            expected.check(project.version, ProjectChanged)
            watched = self._blocking.watch_project(tx, project.id)
            deleted = structs.replace(stamped(project, stamp_of(tx, actor)), deleted_at=tx.now)
            self._save(tx, deleted)
            tx.record(ProjectDeleted(project_id=project.id, user_id=actor.user_id), by=actor)
            _audit(tx, "delete", project, by=actor, before=project.state())
            self._blocking.tell(tx, watched, by=actor)

        await self._tenants.write(actor, use_case)

    async def restore(self, reference: str, *, actor: Actor) -> Project:
        """Bring a deleted project back; one that was never deleted stays as it is."""

        def use_case(tx: Tx) -> Project:
            project = self._projects.find(tx, reference, lock=True)
            if project is None:
                raise ProjectNotFound(reference)
            if project.deleted_at is None:
                return project
            watched = self._blocking.watch_project(tx, project.id)
            restored = structs.replace(stamped(project, stamp_of(tx, actor)), deleted_at=None)
            self._save(tx, restored)
            tx.record(ProjectRestored(project=restored.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "restore", project, by=actor, after=restored.state())
            self._blocking.tell(tx, watched, by=actor)
            return restored

        return await self._tenants.write(actor, use_case)

    def _free_key(self, tx: Tx, name: str) -> str:
        keys = list(keys_for(name))
        everywhere = whole(tx)
        return next((key for key in keys if self._projects.find(everywhere, key) is None), keys[0])

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project

    def _save(self, tx: Tx, project: Project) -> None:
        if not self._projects.save(tx, project):
            raise ProjectChanged(project.version - 1, project.version)


def stamp_of(tx: Tx, actor: Actor) -> Stamp:
    """Return the instant of `tx` and who acts: the person where there is one."""
    return Stamp(at=tx.now, by=actor.user_id or actor.id)


def _audit(
    tx: Tx,
    verb: str,
    project: Project,
    *,
    by: Actor,
    before: object = None,
    after: object = None,
) -> None:
    tx.audit(
        f"board.projects.{verb}",
        by=by,
        resource=f"project:{project.id}",
        before=before,
        after=after,
    )

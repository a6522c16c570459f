"""What owners of a project can do with its repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.git_errors import GitNotBound, GitSyncUnderWay, InvalidGitBinding
from tidemill.board.git_facts import ProjectGitBound, ProjectGitUnbound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import require
from tidemill.board.project_git.models import (
    GitBinding,
    GitState,
    SyncRequest,
    WantedBinding,
    place_of,
)
from tidemill.board.project_git.repository import GitRepository
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant, seconds_after
from tidemill.core.git import GitRepositories
from tidemill.core.ports import Database, Once, Tx
from tidemill.core.sealing import Sealed, Sealing
from tidemill.events import Marks
from tidemill.http import check_version

marked_ahead_seconds: Final = 60.0
"""When a sync is looked for whose mark could not be set after it was asked for."""


class GitCredentials:
    """Seals the credentials of repositories, in the transaction of the caller."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._git = GitRepository()

    def sealed(self, tx: Tx, project_id: ProjectId, plain: str) -> Sealed:
        """Return a credential as it is kept."""
        return self._sealing.seal(tx, place_of(project_id), plain)

    def opened(self, tx: Tx, binding: GitBinding) -> str:
        """Return the credential of a binding, '' for none; raises `SecretLocked`."""
        if binding.secret is None or binding.key_id is None:
            return ""
        sealed = Sealed(binding.secret, binding.key_id)
        return self._sealing.open(tx, binding.secret_place, sealed)

    def seal_again(self, tx: Tx, key_id: str, limit: int) -> int:
        """Seal credentials of former keys by the one in use; return how many there were."""
        found = self._git.sealed_otherwise(tx, key_id, limit)
        for binding in found:
            new = self.sealed(tx, binding.project_id, self.opened(tx, binding))
            self._git.save(tx, structs.replace(binding, secret=new.text, key_id=new.key_id))
        return len(found)


class GitBindingService:
    """Use cases of the repositories of projects."""

    def __init__(
        self,
        tenants: Database,
        repositories: GitRepositories,
        credentials: GitCredentials,
        marks: Marks,
        wake: Callable[[], None],
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._repositories = repositories
        self._credentials = credentials
        self._marks = marks
        self._wake = wake
        self._projects = ProjectRepository()
        self._git = GitRepository()

    async def get(self, project: str, *, actor: Actor) -> GitBinding:
        """Return how a project is bound.

        Raises `ProjectNotFound`, `ProjectRoleNeeded` and `GitNotBound`.
        """

        def use_case(tx: Tx) -> GitBinding:
            return self._bound(tx, self._owned(tx, project, actor))

        return await self._tenants.read(actor, use_case)

    async def put(
        self,
        project: str,
        wanted: WantedBinding,
        *,
        if_match: int | None,
        actor: Actor,
        once: Once[GitBinding] | None = None,
    ) -> GitBinding:
        """Bind a project, also to another repository.

        What both sides said is forgotten with the repository, its branch or its directory.
        Raises `InvalidGitBinding`, `ProjectNotFound`, `ProjectRoleNeeded`, `ProjectIsArchived`,
        `GitSyncUnderWay`, `VersionChanged` and `SecretLocked`.
        """
        wanted.check()
        refusal = self._repositories.refusal(wanted.url)
        if refusal is not None:
            raise InvalidGitBinding("url", refusal)

        def use_case(tx: Tx) -> GitBinding:
            found = self._owned(tx, project, actor, lock=True)
            if found.archived_at is not None:
                raise ProjectIsArchived(found.key)
            old = self._git.find(tx, found.id, lock=True)
            check_version(0 if old is None else old.version, if_match)
            if old is not None and old.state is not GitState.IDLE:
                raise GitSyncUnderWay
            new = self._new(tx, found.id, wanted, old, actor)
            if old is not None and _place(old) != _place(new):
                self._git.forget_files(tx, found.id)
            self._git.save(tx, new)
            tx.record(ProjectGitBound(project_id=found.id, user_id=actor.user_id), by=actor)
            tx.audit(
                "board.project_git.bind",
                by=actor,
                resource=f"project:{found.id}",
                before=None if old is None else old.told(),
                after=new.told(),
            )
            return new

        return await self._tenants.write(actor, use_case, once=once)

    async def remove(self, project: str, expected_version: int | None, *, actor: Actor) -> None:
        """Bind a project no longer; its files stay where they are."""

        def use_case(tx: Tx) -> None:
            found = self._owned(tx, project, actor, lock=True)
            binding = self._bound(tx, found, lock=True)
            check_version(binding.version, expected_version)
            if binding.state is not GitState.IDLE:
                raise GitSyncUnderWay
            self._git.remove(tx, found.id)
            tx.record(ProjectGitUnbound(project_id=found.id, user_id=actor.user_id), by=actor)
            tx.audit(
                "board.project_git.unbind",
                by=actor,
                resource=f"project:{found.id}",
                before=binding.told(),
            )

        await self._tenants.write(actor, use_case)

    async def ask(
        self,
        project: str,
        request: SyncRequest,
        *,
        actor: Actor,
        once: Once[GitBinding] | None = None,
    ) -> GitBinding:
        """Ask for a sync, which is done soon; raises `GitNotBound` and `GitSyncUnderWay`."""

        def use_case(tx: Tx) -> GitBinding:
            found = self._owned(tx, project, actor, lock=True)
            if found.archived_at is not None:
                raise ProjectIsArchived(found.key)
            binding = self._bound(tx, found, lock=True).asked(request, tx.now)
            self._git.save(tx, binding)
            tx.audit(
                "board.project_git.sync",
                by=actor,
                resource=f"project:{found.id}",
                after={"dry_run": request.dry_run, "choices": request.choices},
            )
            return binding

        # Ahead of the request, so that it is found whenever this process ends.
        later = await self._tenants.read(
            actor, lambda tx: seconds_after(tx.now, marked_ahead_seconds)
        )

        async def ahead() -> Instant:
            return later

        await self._marks.arrange(actor.tenant_id, ahead)
        asked = await self._tenants.write(actor, use_case, once=once)

        async def next_due() -> Instant | None:
            return await self._tenants.read(actor, self._git.next_due)

        await self._marks.arrange(actor.tenant_id, next_due)
        self._wake()
        return asked

    def _new(
        self,
        tx: Tx,
        project_id: ProjectId,
        wanted: WantedBinding,
        old: GitBinding | None,
        actor: Actor,
    ) -> GitBinding:
        by = actor.user_id or actor.id
        keeps = wanted.keeps_secret and old is not None
        # A credential never follows to a place that its giver has not named for it.
        if keeps and old is not None and old.secret is not None and old.url != wanted.url:
            raise InvalidGitBinding("secret", "Say it again for another url, or null for none.")
        sealed = None
        if wanted.secret is not None:
            sealed = self._credentials.sealed(tx, project_id, wanted.secret)
        elif keeps and old is not None and old.secret is not None and old.key_id is not None:
            sealed = Sealed(old.secret, old.key_id)
        is_same = old is not None and old.url == wanted.url and old.branch == wanted.branch
        return GitBinding(
            project_id=project_id,
            url=wanted.url,
            branch=wanted.branch,
            directory=wanted.directory,
            deletions=wanted.deletions,
            username=wanted.username,
            secret=None if sealed is None else sealed.text,
            key_id=None if sealed is None else sealed.key_id,
            state=GitState.IDLE,
            request=None,
            due_at=None,
            holder=None,
            commit_id=old.commit_id if old is not None and is_same else None,
            synced_at=old.synced_at if old is not None and is_same else None,
            report=old.report if old is not None and is_same else None,
            version=1 if old is None else old.version + 1,
            created_at=tx.now if old is None else old.created_at,
            created_by=by if old is None else old.created_by,
            updated_at=tx.now,
            updated_by=by,
        )

    def _owned(self, tx: Tx, reference: str, actor: Actor, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        require(tx, project.id, ProjectRole.OWNER, by=actor)
        return project

    def _bound(self, tx: Tx, project: Project, *, lock: bool = False) -> GitBinding:
        binding = self._git.find(tx, project.id, lock=lock)
        if binding is None:
            raise GitNotBound
        return binding


def _place(binding: GitBinding) -> tuple[str, str, str]:
    return binding.url, binding.branch, binding.directory

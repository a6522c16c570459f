"""Does the syncs that are asked for, one after the other, beside the requests of a process."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from tidemill.board.contract import ProjectId
from tidemill.board.project_git.models import GitBinding
from tidemill.board.project_git.syncing.applying.service import SyncRefused
from tidemill.board.project_git.syncing.models import Task
from tidemill.board.project_git.syncing.service import Syncing
from tidemill.board.work_items.changing.models import Rules
from tidemill.core.actor import Actor, system
from tidemill.core.errors import TidemillError
from tidemill.core.git import GitFailed, GitOutrun, GitPlace, GitRepositories
from tidemill.core.ids import TenantId, UserId
from tidemill.events import Marks
from tidemill.identity import Identity

log = structlog.get_logger(__name__)
RulesFor = Callable[[Actor], Awaitable[Rules]]

look_seconds: Final = 2.0
pushes_tried_max: Final = 3
stop_seconds_max: Final = 3.0
syncs_at_once_max: Final = 2


class GitRunner:
    """A service: looks which tenants have a sync to do, and does them."""

    def __init__(
        self,
        syncing: Syncing,
        repositories: GitRepositories,
        identity: Identity,
        marks: Marks,
        rules: RulesFor,
        *,
        holder: str,
    ) -> None:
        self._syncing = syncing
        self._repositories = repositories
        self._identity = identity
        self._marks = marks
        self._rules = rules
        self._holder = holder
        self._woken = asyncio.Event()
        self._places = asyncio.Semaphore(syncs_at_once_max)
        self._looking: asyncio.Task[None] | None = None
        self._tasks: dict[tuple[TenantId, ProjectId], asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Begin with what an earlier process left."""
        self._looking = asyncio.create_task(self._look_for_ever(), name="project-git")

    async def stop(self) -> None:
        """End; a sync that is under way begins anew elsewhere, or after the start."""
        looking, self._looking = self._looking, None
        if looking is None:
            return
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=stop_seconds_max)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look at once: somebody has asked here."""
        self._woken.set()

    async def look(self) -> None:
        """Begin what is due in the tenants whose marks are."""
        for tenant_id in await self._marks.due():
            try:
                for project_id in await self._syncing.due(tenant_id):
                    self._begin(tenant_id, project_id)
                if not any(key[0] == tenant_id for key in self._tasks):
                    await self._arrange(tenant_id)
            except TidemillError as error:
                # Its store is away or suspended; others must not wait for it.
                log.warning("project_git.tenant.failed", tenant_id=tenant_id, reason=error.message)
                await self._marks.postpone(tenant_id)

    async def sync(self, tenant_id: TenantId, project_id: ProjectId) -> None:
        """Do the sync of a project that is due."""
        task = await self._syncing.take(tenant_id, project_id, self._holder)
        if task is None:
            return
        try:
            await self._do(tenant_id, task)
        except (GitFailed, SyncRefused) as error:
            await self._failed(tenant_id, task, str(error))
        except TidemillError as error:
            await self._failed(tenant_id, task, error.message)
        except Exception as error:  # noqa: BLE001 - told, without values of variables
            told = _told(error)
            log.error("project_git.sync.broke", **told, tenant_id=tenant_id, project_id=project_id)  # noqa: TRY400 - as above
            await self._failed(tenant_id, task, f"The sync broke: {type(error).__name__}.")

    async def _do(self, tenant_id: TenantId, task: Task) -> None:
        user_id = UserId(task.request.user_id)
        actor = await self._identity.acting_for(user_id, by=system("board", tenant_id))
        rules = await self._rules(actor)
        for tried in range(1, pushes_tried_max + 1):
            try:
                await self._once(tenant_id, task, rules, actor)
            except GitOutrun:
                if tried == pushes_tried_max:
                    raise
            else:
                return

    async def _once(self, tenant_id: TenantId, task: Task, rules: Rules, actor: Actor) -> None:
        binding = task.binding
        async with self._repositories.copy(_place(binding, task.secret)) as copy:
            snapshot = await copy.snapshot(binding.directory)
            applied = await self._syncing.apply(task, snapshot, rules, actor=actor)
            commit_id = snapshot.commit
            if applied.edits and not task.request.dry_run:
                addresses = await self._identity.addresses(applied.authors, by=actor)
                commit_id = await copy.push(applied.commits(binding.directory, addresses))
        await self._syncing.end(tenant_id, task, applied, commit_id)

    async def _failed(self, tenant_id: TenantId, task: Task, problem: str) -> None:
        log.info("project_git.sync.failed", tenant_id=tenant_id, project_id=task.binding.project_id)
        try:
            await self._syncing.fail(tenant_id, task, problem)
        except SyncRefused:
            # Whoever has it by now tells what comes of it.
            return

    def _begin(self, tenant_id: TenantId, project_id: ProjectId) -> None:
        key = (tenant_id, project_id)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._run(tenant_id, project_id))

    async def _run(self, tenant_id: TenantId, project_id: ProjectId) -> None:
        try:
            async with self._places:
                await self.sync(tenant_id, project_id)
            await self._arrange(tenant_id)
        except TidemillError as error:
            log.warning("project_git.sync.not_kept", tenant_id=tenant_id, reason=error.message)
        except Exception as error:  # noqa: BLE001 - told, without values of variables
            log.error("project_git.sync.not_kept", **_told(error), tenant_id=tenant_id)  # noqa: TRY400 - as above
        finally:
            del self._tasks[tenant_id, project_id]

    async def _arrange(self, tenant_id: TenantId) -> None:
        await self._marks.arrange(tenant_id, lambda: self._syncing.next_due(tenant_id))

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await self.look()
            except TidemillError as error:
                log.warning("project_git.look.failed", reason=error.message)
            except Exception:
                log.exception("project_git.look.broke")
            with suppress(TimeoutError):
                async with asyncio.timeout(look_seconds):
                    await self._woken.wait()
            self._woken.clear()


def _told(error: Exception) -> dict[str, str]:
    # Values of variables, which other tracebacks show, may be credentials here.
    where = "".join(traceback.format_tb(error.__traceback__))
    return {"error": type(error).__name__, "where": where}


def _place(binding: GitBinding, secret: str) -> GitPlace:
    return GitPlace(
        url=binding.url, branch=binding.branch, username=binding.username, secret=secret
    )

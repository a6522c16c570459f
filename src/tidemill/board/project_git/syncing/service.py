"""The transactions of a sync: who does it, what the board takes, and what came of it.

What the board takes, and what both sides said since, are written in one transaction; the push
comes behind it. A break in between loses nothing: what the board took is in the repository
already, and what it shall get differs from what both said last, so the next sync pushes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.git_facts import ProjectGitSynced
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_git.models import (
    GitBinding,
    GitState,
    SyncOutcome,
    SyncReport,
)
from tidemill.board.project_git.repository import GitRepository
from tidemill.board.project_git.syncing.applying.service import Applying, SyncRefused
from tidemill.board.project_git.syncing.models import Applied, Task
from tidemill.board.work_items.changing.models import Rules
from tidemill.core.actor import Actor, system
from tidemill.core.clock import Instant, seconds_after
from tidemill.core.git import GitSnapshot
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Tx

Opened = Callable[[Tx, GitBinding], str]
"""Returns the credential of a binding, '' for none."""
due_at_once_max: Final = 50


class _OnlyLooked(Exception):
    """A dry run is over: what it wrote is undone."""

    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


class Syncing:
    """Hands out syncs to one holder at a time, and keeps what came of them."""

    def __init__(
        self, tenants: Database, limits: BoardLimits, opened: Opened, *, hold_seconds: float
    ) -> None:
        self._tenants = tenants
        self._walled = WalledDatabase(tenants)
        self._opened = opened
        self._hold_seconds = hold_seconds
        self._git = GitRepository()
        self._applying = Applying(limits)

    async def due(self, tenant_id: TenantId) -> list[ProjectId]:
        """Return the projects whose sync shall begin now, or again after its holder was gone."""
        return await self._tenants.read(tenant_id, lambda tx: self._git.due(tx, due_at_once_max))

    async def next_due(self, tenant_id: TenantId) -> Instant | None:
        """Return when the next sync of a tenant shall begin."""
        return await self._tenants.read(tenant_id, self._git.next_due)

    async def take(self, tenant_id: TenantId, project_id: ProjectId, holder: str) -> Task | None:
        """Take a sync that is due; None where another holder has it."""

        def use_case(tx: Tx) -> Task | None:
            found = self._git.find(tx, project_id, lock=True)
            if found is None or found.due_at is None or found.due_at > tx.now:
                return None
            if found.request is None:
                return None
            held = found.taken(holder, seconds_after(tx.now, self._hold_seconds))
            self._git.save(tx, held)
            return Task(
                binding=held,
                request=found.request,
                secret=self._opened(tx, found),
                started_at=tx.now,
                holder=holder,
            )

        return await self._tenants.write(tenant_id, use_case)

    async def apply(
        self, task: Task, snapshot: GitSnapshot, rules: Rules, *, actor: Actor
    ) -> Applied:
        """Take what a repository says, in one transaction; return what is left to push.

        A dry run does the same and undoes it. Raises `SyncRefused`, and what whoever asked
        may not do.
        """

        def use_case(tx: Tx) -> Applied:
            self._held(tx, task)
            applied = self._applying.apply(tx, task, snapshot, rules, by=actor)
            if task.request.dry_run:
                raise _OnlyLooked(applied)
            return applied

        try:
            return await self._walled.write(actor, use_case)
        except _OnlyLooked as looked:
            return looked.applied

    async def end(
        self, tenant_id: TenantId, task: Task, applied: Applied, commit_id: str | None
    ) -> None:
        """Keep what both sides said since a push, and what the sync did."""
        outcome = SyncOutcome.CHECKED if task.request.dry_run else SyncOutcome.DONE

        def use_case(tx: Tx) -> None:
            binding = self._held(tx, task)
            if outcome is SyncOutcome.DONE:
                self._git.save_bases(tx, applied.project_id, applied.pushed)
                self._git.remove_bases(tx, applied.project_id, applied.forgotten)
            report = SyncReport(
                outcome=outcome,
                started_at=task.started_at,
                finished_at=tx.now,
                commit_id=commit_id,
            ).telling(
                applied.pulled,
                [edit.path for edit in applied.edits],
                applied.conflicts,
                applied.problems,
            )
            self._settle(tx, binding, task, report)

        await self._tenants.write(tenant_id, use_case)

    async def fail(self, tenant_id: TenantId, task: Task, problem: str) -> None:
        """Keep why a sync has not ended well; somebody has to ask again."""

        def use_case(tx: Tx) -> None:
            report = SyncReport(
                outcome=SyncOutcome.FAILED,
                started_at=task.started_at,
                finished_at=tx.now,
                error=problem,
            )
            self._settle(tx, self._held(tx, task), task, report)

        await self._tenants.write(tenant_id, use_case)

    def _settle(self, tx: Tx, binding: GitBinding, task: Task, report: SyncReport) -> None:
        self._git.save(tx, binding.ended(report))
        if report.outcome is SyncOutcome.CHECKED:
            return
        by = system("board", tx.tenant_id)
        fact = ProjectGitSynced(
            project_id=binding.project_id,
            user_id=task.request.user_id,
            outcome=report.outcome,
            commit_id=report.commit_id,
            pulled=report.pulled_count,
            pushed=report.pushed_count,
            conflicts=report.conflict_count,
            problems=report.problem_count,
        )
        tx.record(fact, by=by)

    def _held(self, tx: Tx, task: Task) -> GitBinding:
        """Return the binding; raises `SyncRefused` where another holder has it by now."""
        found = self._git.find(tx, task.binding.project_id, lock=True)
        if found is None or found.holder != task.holder or found.state is not GitState.RUNNING:
            raise SyncRefused("Another process goes on with this sync.")
        return found

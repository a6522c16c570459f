"""What one can do with the workflow of a project."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.blocking.service import Blocking, Watched
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.whole import whole
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.sprint_scope.models import Planned
from tidemill.board.sprint_scope.service import SprintScope
from tidemill.board.workflow_changes.models import (
    NewWorkflow,
    ProjectWorkflow,
    Step,
    new_workflow,
    removed,
    rules_of,
    steps_between,
)
from tidemill.board.workflow_changes.repository import InSprint, WorkflowChangeRepository
from tidemill.board.workflow_errors import StatusInUse
from tidemill.board.workflow_facts import StatusMove, StatusState, WorkflowChanged
from tidemill.board.workflows.models import CLOSED, Category, Workflow
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version


class WorkflowService:
    """Use cases of workflows; a project is named by its id or its key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._workflows = Workflows()
        self._changes = WorkflowChangeRepository()
        self._blocking = Blocking()
        self._scope = SprintScope()

    async def get(self, project: str, *, actor: Actor) -> ProjectWorkflow:
        """Return the workflow of a project, which may be the default one."""
        return await self._tenants.read(actor, lambda tx: self._of(tx, self._living(tx, project)))

    async def put(
        self,
        project: str,
        wanted: NewWorkflow,
        *,
        if_match: int | None,
        actor: Actor,
        once: Once[ProjectWorkflow] | None = None,
    ) -> ProjectWorkflow:
        """Give a project a workflow; its items follow in the same transaction.

        Raises `ProjectNotFound`, `ProjectIsArchived`, `VersionChanged`, `InvalidWorkflow` and
        `StatusInUse`.
        """

        def use_case(tx: Tx) -> ProjectWorkflow:
            self._workflows.lock(tx)
            found = self._living(tx, project, lock=True)
            old = self._of(tx, found)
            check_version(old.version, if_match)
            if found.archived_at is not None:
                raise ProjectIsArchived(found.key)
            workflow = new_workflow(wanted, old.workflow)
            if workflow == old.workflow:
                return old
            self._refuse_lost(tx, found.id, old.workflow, workflow, wanted)
            new = ProjectWorkflow(
                project_id=found.id,
                version=old.version + 1,
                workflow=workflow,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            gone = [one for one in old.workflow.statuses if one.key not in workflow.categories]
            steps = steps_between(old.workflow, workflow, wanted.moves)
            watched = self._watched(tx, found.id, steps)
            mark = tx.new_id()
            moves = self._follow(tx, found.id, steps, mark, by=actor)
            self._changes.save(tx, new, gone)
            told = _tell(tx, old, new, moves, by=actor)
            if moves:
                self._changes.told(tx, mark, told)
            self._blocking.tell(tx, watched, by=actor)
            return new

        return await self._tenants.write(actor, use_case, once=once)

    def _of(self, tx: Tx, project: Project) -> ProjectWorkflow:
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        return self._changes.version(tx, project.id, workflow)

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project

    def _refuse_lost(
        self, tx: Tx, project_id: ProjectId, old: Workflow, new: Workflow, wanted: NewWorkflow
    ) -> None:
        unsaid = [status for status in removed(old, new) if status not in wanted.moves]
        counts = self._changes.counts(tx, project_id) if unsaid else {}
        if held := {status: counts[status] for status in unsaid if status in counts}:
            raise StatusInUse(held, [*new.categories])

    def _watched(self, tx: Tx, project_id: ProjectId, steps: Sequence[Step]) -> Watched | None:
        """Return what items block that are closed by this, or open again."""
        if not steps:
            return None
        self._changes.lock_items(tx, project_id, [step.old for step in steps])
        turned = [step.old for step in steps if (step.meant in CLOSED) != (step.means in CLOSED)]
        if not turned:
            return None
        return self._blocking.watch_items(
            tx, self._changes.dependents(whole(tx), project_id, turned)
        )

    def _follow(
        self, tx: Tx, project_id: ProjectId, steps: Sequence[Step], mark: str, *, by: Actor
    ) -> tuple[StatusMove, ...]:
        """Take the items of changed statuses along, and return how many of each."""
        # Ahead of the first step, whose items may come into a status that the next one leaves.
        sprinting = [(step, self._counted(tx, project_id, step)) for step in steps]
        moves = tuple(
            StatusMove(
                old_status=step.old,
                new_status=step.new,
                new_category=step.means.value,
                count=self._changes.move(tx, project_id, step, mark, by=by),
            )
            for step in _in_order(steps)
        )
        for step, items in sprinting:
            for item in items:
                self._scope.changed(
                    tx, item.id, _planned(item, step.meant), _planned(item, step.means)
                )
        return moves

    def _counted(self, tx: Tx, project_id: ProjectId, step: Step) -> Sequence[InSprint]:
        if step.meant not in CLOSED and step.means not in CLOSED:
            return ()
        return self._changes.in_sprints(tx, project_id, step.old)


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """Return statuses that mean something else first: what comes into them then is as they are."""
    return sorted(steps, key=lambda step: step.is_move)


def _planned(item: InSprint, category: Category) -> Planned | None:
    if category is Category.CANCELLED:
        return None
    return Planned(
        sprint_id=item.sprint_id, points=item.points or 0, is_done=category is Category.DONE
    )


def _tell(
    tx: Tx,
    old: ProjectWorkflow,
    new: ProjectWorkflow,
    moves: tuple[StatusMove, ...],
    *,
    by: Actor,
) -> str:
    """Record what happened; return the id of the fact."""
    told = tx.record(
        WorkflowChanged(
            project_id=ProjectId(new.project_id),
            version=new.version,
            initial=new.workflow.initial,
            statuses=tuple(
                StatusState(
                    key=one.key, name=one.name, category=one.category.value, color=one.color
                )
                for one in new.workflow.statuses
            ),
            moves=tuple(move for move in moves if move.count),
            user_id=by.user_id,
        ),
        by=by,
    )
    tx.audit(
        "board.workflows.update",
        by=by,
        resource=f"project:{new.project_id}",
        before=_said(old.workflow),
        after={**_said(new.workflow), "moves": moves},
    )
    return told


def _said(workflow: Workflow) -> dict[str, object]:
    return {
        "initial": workflow.initial,
        "statuses": workflow.statuses,
        "transitions": rules_of(workflow.transitions),
    }

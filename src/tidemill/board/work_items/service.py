"""What one can do with work items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import UNSET, UnsetType

from tidemill.board.activities.service import History
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import (
    ProjectIsArchived,
    ProjectMissing,
    ProjectNotFound,
    WorkItemNotFound,
)
from tidemill.board.labels.models import joined_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.ranking.service import Ranking
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.changes import (
    entered,
)
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    PLANNABLE,
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    check_parent,
    check_project_active,
    check_type,
    valid_dates,
    valid_description,
    valid_points,
    valid_title,
)
from tidemill.board.work_items.references.service import References
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx

TypesFor = Callable[[Actor], Awaitable[Sequence[str]]]


async def _usual_types(actor: Actor) -> Sequence[str]:
    del actor
    return PLANNABLE


class WorkItemService:
    """Use cases of work items; an item is named by its id or its key.

    `sprint_types` says which types of items an actor's tenant wants in sprints, and
    `blocked_items_wait` whether it lets nobody start or finish a blocked item.
    """

    def __init__(
        self,
        tenants: Database,
        limits: BoardLimits,
        *,
        sprint_types: TypesFor = _usual_types,
        blocked_items_wait: Callable[[Actor], Awaitable[bool]] | None = None,
    ) -> None:
        self._tenants = tenants
        self._limits = limits
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()
        self._history = History()
        self._ranking = Ranking()
        self._labelling = Labelling(limits)
        self._custom_values = CustomValues()
        self._sprinting = Sprinting()
        self._references = References(self._labelling)
        self._sprint_types = sprint_types
        self._workflows = Workflows()
        self._changing = Changing(limits)
        self._blocked_items_wait = blocked_items_wait

    async def create(
        self, new: NewWorkItem, *, actor: Actor, once: Once[WorkItem] | None = None
    ) -> WorkItem:
        """Make an item with the next number of its project."""
        check_type(new.item_type)
        title = valid_title(new.title, self._limits)
        description = valid_description(new.description, self._limits)
        start, due = valid_dates(new.start_date, new.due_date)
        types = await self._types(actor, new.sprint)

        def use_case(tx: Tx) -> WorkItem:
            parent = self._references.parent(tx, new.parent)
            assignee = self._references.assignee(tx, new.assignee_id)
            numbers = self._take_number(tx, new.project or (parent.project_id if parent else None))
            if parent is not None:
                _check_below(new, numbers.project_id, parent)
            workflow = self._workflows.of(tx, numbers.project_id, numbers.workflow_id)
            labels = self._labelling.found(tx, numbers.project_id, new.labels)
            by = actor.user_id or actor.id
            [rank] = self._ranking.at_the_end(tx, numbers.project_id)
            item = WorkItem(
                id=WorkItemId(tx.new_id()),
                project_id=numbers.project_id,
                project_key=numbers.project_key,
                project_archived_at=None,
                number=numbers.first,
                item_type=new.item_type.value,
                title=title,
                description=description,
                status=workflow.check(new.status or workflow.initial),
                priority=new.priority.value,
                parent_id=parent.id if parent else None,
                assignee_id=assignee.id if assignee else None,
                assignee_name=assignee.name if assignee else None,
                assignee_avatar=assignee.avatar if assignee else None,
                external_id=new.external_id,
                job=None,
                rank=rank,
                points=valid_points(new.points),
                estimate_seconds=new.estimate_seconds,
                start_date=start,
                due_date=due,
                label_ids=joined_ids(labels),
                workflow_id=numbers.workflow_id,
                limits_id=numbers.limits_id,
                custom_values=self._custom_values.initial(tx, numbers, new.custom_fields),
                labels=labels,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            begun = entered(item, None, workflow=workflow, at=tx.now)
            item = self._sprinting.changed(tx, begun, new.sprint, types)
            return self._added(tx, item, by=actor)

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def change(
        self,
        reference: str,
        changes: WorkItemChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[WorkItem] | None = None,
    ) -> WorkItem:
        """Change fields of an item; without a difference its version stays.

        Raises `VersionChanged`, `WorkItemChanged` and `EditConflict` when `expected` does not
        hold.
        """
        rules = await self.rules(actor, changes)

        def use_case(tx: Tx) -> WorkItem:
            self._lock_others(tx, reference, changes)
            item = self._shown(tx, self._writable(tx, reference))
            step = self._changing.changed(tx, item, changes, rules, by=actor, expected=expected)
            if step is None:
                return item
            written = self._changing.write(tx, step, by=actor)
            self._history.updated(tx, written.item.state(), written.fields, by=actor)
            self._changing.tell(tx, written.watched, by=actor)
            return written.item

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(
        self, reference: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide an item without children; `restore` brings it back."""

        def use_case(tx: Tx) -> None:
            item = self._writable(tx, reference)
            step = self._changing.deleted(tx, item, expected)
            written = self._changing.write(tx, step, by=actor)
            self._history.deleted(tx, written.item.state(), by=actor)
            self._changing.tell(tx, written.watched, by=actor)

        await self._tenants.write(actor.tenant_id, use_case)

    async def restore(self, reference: str, *, actor: Actor) -> WorkItem:
        """Bring a deleted item back; one that was never deleted stays as it is."""

        def use_case(tx: Tx) -> WorkItem:
            found = self._items.find(tx, reference, lock="change")
            if found is None:
                raise WorkItemNotFound(reference)
            item = self._shown(tx, found)
            step = self._changing.restored(tx, item)
            if step is None:
                return item
            written = self._changing.write(tx, step, by=actor)
            self._history.restored(tx, written.item.state(), by=actor)
            self._changing.tell(tx, written.watched, by=actor)
            return written.item

        return await self._tenants.write(actor.tenant_id, use_case)

    async def rules(self, actor: Actor, changes: WorkItemChanges) -> Rules:
        """Return what the actor's tenant has set that `changes` must hold."""
        waits = changes.status is not UNSET and await self._blocked_wait(actor)
        return Rules(
            sprint_types=await self._types(actor, changes.sprint), blocked_items_wait=waits
        )

    async def _types(self, actor: Actor, sprint: str | UnsetType | None) -> Sequence[str]:
        return await self._sprint_types(actor) if isinstance(sprint, str) else ()

    def _shown(self, tx: Tx, item: WorkItem) -> WorkItem:
        [shown] = self._labelling.shown(tx, [item])
        return shown

    def _writable(self, tx: Tx, reference: str) -> WorkItem:
        item = self._items.find(tx, reference, lock="change")
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        check_project_active(item)
        return item

    def _take_number(self, tx: Tx, project: str | None) -> Numbers:
        if project is None:
            raise ProjectMissing
        numbers = self._projects.take_numbers(tx, project)
        if numbers is not None:
            return numbers
        found = self._projects.find(tx, project)
        if found is None or found.deleted_at is not None:
            raise ProjectNotFound(project, param="project_id")
        raise ProjectIsArchived(found.key)

    async def _blocked_wait(self, actor: Actor) -> bool:
        return self._blocked_items_wait is not None and await self._blocked_items_wait(actor)

    def _lock_others(self, tx: Tx, reference: str, changes: WorkItemChanges) -> None:
        self._changing.lock_others(tx, changes)
        # Before the item itself, too: whoever makes ranks anew writes items of others.
        if not changes.moves:
            return
        item = self._items.find(tx, reference)
        if item is not None:
            self._ranking.lock(tx, item.project_id)

    def _added(self, tx: Tx, item: WorkItem, *, by: Actor) -> WorkItem:
        self._items.add(tx, item)
        self._changing.follow(tx, None, item)
        self._history.created(tx, item.state(), by=by)
        return item


def _check_below(new: NewWorkItem, project_id: ProjectId, parent: WorkItem) -> None:
    check_parent(
        (None, new.item_type, project_id), (parent.id, parent.item_type, parent.project_id)
    )

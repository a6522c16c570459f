"""What one can do with work items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import UNSET, UnsetType, structs

from tidemill.board.activities.service import History
from tidemill.board.blocking.models import starts_or_finishes
from tidemill.board.blocking.service import Blocking, Watched
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import (
    DeleteBlocked,
    ParentIsDeleted,
    ProjectIsArchived,
    ProjectMissing,
    ProjectNotFound,
    WorkItemChanged,
    WorkItemNotFound,
)
from tidemill.board.labels.models import joined_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.ranking.service import Ranking
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.changes import (
    archived,
    changed_fields,
    differences,
    entered,
    next_version,
    overwriting,
)
from tidemill.board.work_items.guarding.service import Guarding
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.limiting.service import WipLimits
from tidemill.board.work_items.models import (
    PLANNABLE,
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    check_changeable,
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
        self._sprinting = Sprinting()
        self._references = References(self._labelling)
        self._sprint_types = sprint_types
        self._blocking = Blocking()
        self._workflows = Workflows()
        self._guarding = Guarding()
        self._wip_limits = WipLimits()
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
                labels=labels,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            begun = entered(item, None, workflow=workflow, at=tx.now)
            item = self._sprinting.changed(tx, begun, new.sprint, types)
            self._items.add(tx, item)
            self._follow(tx, None, item)
            self._history.created(tx, item.state(), by=actor)
            return item

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
        types = await self._types(actor, changes.sprint)
        waits = changes.status is not UNSET and await self._blocked_wait(actor)

        def use_case(tx: Tx) -> WorkItem:
            self._lock_others(tx, reference, changes)
            item = self._shown(tx, self._writable(tx, reference))
            expected.check(item.version, WorkItemChanged)
            workflow = self._workflows.of(tx, item.project_id, item.workflow_id)
            wanted = changed_fields(item, changes, workflow=workflow, limits=self._limits)
            wanted = entered(wanted, item.status, workflow=workflow, at=tx.now)
            wanted = self._references.changed(tx, wanted, changes, by=actor)
            wanted = self._sprinting.changed(tx, wanted, changes.sprint, types)
            self._guarding.check(tx, item, wanted, workflow, by=actor)
            wanted = archived(wanted, changes.archived, at=tx.now)
            wanted = self._sprinting.unarchived(tx, item, wanted)
            fields = differences(item, wanted)
            if not fields:
                return item
            if changes.archived is not False:
                check_changeable(item)
            if expected.base is not None and expected.base < item.version:
                self._history.refuse_overlap(
                    tx, item.id, overwriting(fields, changes), expected.base
                )
            if waits:
                self._refuse_waiting(tx, item, wanted)
            watched = self._watched(tx, item, wanted)
            saved = self._save(tx, wanted, by=actor)
            self._follow(tx, item, saved)
            if saved.parent_id is not None and saved.parent_id != item.parent_id:
                self._blocking.refuse_cycle_of_parent(tx, saved.id, saved.parent_id)
            self._history.updated(tx, saved.state(), fields, by=actor)
            self._blocking.tell(tx, watched, by=actor)
            return saved

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(
        self, reference: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide an item without children; `restore` brings it back."""

        def use_case(tx: Tx) -> None:
            item = self._writable(tx, reference)
            check_changeable(item)
            expected.check(item.version, WorkItemChanged)
            if self._items.has_children(tx, item.id):
                raise DeleteBlocked(item.key)
            hidden = structs.replace(item, deleted_at=tx.now)
            watched = self._watched(tx, item, hidden)
            deleted = self._save(tx, hidden, by=actor)
            self._sprinting.save(tx, item, deleted)
            self._history.deleted(tx, deleted.state(), by=actor)
            self._blocking.tell(tx, watched, by=actor)

        await self._tenants.write(actor.tenant_id, use_case)

    async def restore(self, reference: str, *, actor: Actor) -> WorkItem:
        """Bring a deleted item back; one that was never deleted stays as it is."""

        def use_case(tx: Tx) -> WorkItem:
            found = self._items.find(tx, reference, lock="change")
            if found is None:
                raise WorkItemNotFound(reference)
            item = self._shown(tx, found)
            if item.deleted_at is None:
                return item
            check_project_active(item)
            if item.parent_id is not None:
                parent = self._items.find(tx, item.parent_id, lock="parent")
                if parent is None or parent.deleted_at is not None:
                    raise ParentIsDeleted(item.key)
            back = self._sprinting.returned(tx, structs.replace(item, deleted_at=None))
            watched = self._watched(tx, item, back)
            restored = self._save(tx, back, by=actor)
            self._follow(tx, item, restored)
            self._history.restored(tx, restored.state(), by=actor)
            self._blocking.tell(tx, watched, by=actor)
            return restored

        return await self._tenants.write(actor.tenant_id, use_case)

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

    def _refuse_waiting(self, tx: Tx, old: WorkItem, new: WorkItem) -> None:
        before = (old.status, old.status_category)
        if starts_or_finishes(before, (new.status, new.status_category)):
            self._blocking.refuse_waiting(tx, old.id)

    def _watched(self, tx: Tx, old: WorkItem, new: WorkItem) -> Watched | None:
        """Return what `old` blocks, when `new` no longer does or does again."""
        return None if old.is_open == new.is_open else self._blocking.watch(tx, old.id)

    def _lock_others(self, tx: Tx, reference: str, changes: WorkItemChanges) -> None:
        # Before the item itself: whoever joins items, or makes ranks anew, writes items of others.
        if changes.parent is not UNSET and changes.parent is not None:
            self._blocking.lock(tx)
        if changes.status is not UNSET:
            self._workflows.share(tx)
        if not changes.moves:
            return
        item = self._items.find(tx, reference)
        if item is not None:
            self._ranking.lock(tx, item.project_id)

    def _follow(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Write what labels and sprints have of an item, and hold the limits of its board."""
        self._labelling.save(tx, old, new)
        self._sprinting.save(tx, old, new)
        self._wip_limits.hold(tx, old, new)

    def _save(self, tx: Tx, item: WorkItem, *, by: Actor) -> WorkItem:
        saved = next_version(item, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, saved):
            raise WorkItemChanged(item.version, saved.version)
        return saved


def _check_below(new: NewWorkItem, project_id: ProjectId, parent: WorkItem) -> None:
    check_parent(
        (None, new.item_type, project_id), (parent.id, parent.item_type, parent.project_id)
    )

"""What one can do with work items."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import UNSET, UnsetType, structs

from tidemill.board.activities.models import Activity
from tidemill.board.activities.service import History
from tidemill.board.contract import WorkItemId
from tidemill.board.errors import (
    AssigneeNotMember,
    DeleteBlocked,
    ParentIsDeleted,
    ProjectIsArchived,
    ProjectMissing,
    ProjectNotFound,
    WorkItemChanged,
    WorkItemNotFound,
)
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import (
    Assignee,
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    WorkItemFilter,
    changed_fields,
    check_parent,
    check_type,
    differences,
    next_version,
    valid_description,
    valid_title,
)
from tidemill.board.work_items.repository import WorkItemRepository, ordered_by_number
from tidemill.board.workflows.models import DEFAULT_WORKFLOW
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number, after_number_and_text, after_text
from tidemill.core.pages import Key, Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx

_USER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class WorkItemService:
    """Use cases of work items; an item is named by its id or its key."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = tenants
        self._limits = limits
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()
        self._history = History()

    async def create(
        self, new: NewWorkItem, *, actor: Actor, once: Once[WorkItem] | None = None
    ) -> WorkItem:
        """Make an item with the next number of its project."""
        check_type(new.item_type)
        title = valid_title(new.title, self._limits)
        description = valid_description(new.description, self._limits)
        status = DEFAULT_WORKFLOW.check(new.status or DEFAULT_WORKFLOW.initial)

        def use_case(tx: Tx) -> WorkItem:
            parent = self._parent(tx, new.parent)
            assignee = self._assignee(tx, new.assignee_id)
            numbers = self._take_number(tx, new.project or (parent.project_id if parent else None))
            if parent is not None:
                check_parent(
                    (None, new.item_type, numbers.project_id),
                    (parent.id, parent.item_type, parent.project_id),
                )
            by = actor.user_id or actor.id
            item = WorkItem(
                id=WorkItemId(tx.new_id()),
                project_id=numbers.project_id,
                project_key=numbers.project_key,
                project_archived_at=None,
                number=numbers.first,
                item_type=new.item_type.value,
                title=title,
                description=description,
                status=status,
                priority=new.priority.value,
                parent_id=parent.id if parent else None,
                assignee_id=assignee.id if assignee else None,
                assignee_name=assignee.name if assignee else None,
                assignee_avatar=assignee.avatar if assignee else None,
                external_id=new.external_id,
                job=None,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            self._items.add(tx, item)
            self._history.created(tx, item.state(), by=actor)
            return item

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def get(self, reference: str, *, actor: Actor) -> WorkItem:
        """Return an item; raises `WorkItemNotFound`."""
        return await self._tenants.read(actor.tenant_id, lambda tx: self._living(tx, reference))

    async def list(
        self, wanted: WorkItemFilter, page: PageRequest, *, actor: Actor
    ) -> Page[WorkItem]:
        """Return items of a filter.

        Those of one project come by number, newest first; with `updated_since` they come in the
        order of their last change.
        """
        after, key = _keyset(wanted, page)

        def use_case(tx: Tx) -> list[WorkItem]:
            return self._items.page(tx, wanted, after=after, limit=page.limit_plus_one)

        return page_of(await self._tenants.read(actor.tenant_id, use_case), page, key)

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

        def use_case(tx: Tx) -> WorkItem:
            item = self._writable(tx, reference)
            expected.check(item.version, WorkItemChanged)
            wanted = changed_fields(item, changes, workflow=DEFAULT_WORKFLOW, limits=self._limits)
            wanted = self._with_parent(tx, wanted, changes.parent)
            wanted = self._with_assignee(tx, wanted, changes.assignee_id)
            fields = differences(item, wanted)
            if not fields:
                return item
            if expected.base is not None and expected.base < item.version:
                self._history.refuse_overlap(tx, item.id, fields, expected.base)
            saved = self._save(tx, wanted, by=actor)
            self._history.updated(tx, saved.state(), fields, by=actor)
            return saved

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(
        self, reference: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide an item without children; `restore` brings it back."""

        def use_case(tx: Tx) -> None:
            item = self._writable(tx, reference)
            expected.check(item.version, WorkItemChanged)
            if self._items.has_children(tx, item.id):
                raise DeleteBlocked(item.key)
            deleted = self._save(tx, structs.replace(item, deleted_at=tx.now), by=actor)
            self._history.deleted(tx, deleted.state(), by=actor)

        await self._tenants.write(actor.tenant_id, use_case)

    async def restore(self, reference: str, *, actor: Actor) -> WorkItem:
        """Bring a deleted item back; one that was never deleted stays as it is."""

        def use_case(tx: Tx) -> WorkItem:
            item = self._items.find(tx, reference, lock="change")
            if item is None:
                raise WorkItemNotFound(reference)
            if item.deleted_at is None:
                return item
            _refuse_archived(item)
            if item.parent_id is not None:
                parent = self._items.find(tx, item.parent_id, lock="parent")
                if parent is None or parent.deleted_at is not None:
                    raise ParentIsDeleted(item.key)
            restored = self._save(tx, structs.replace(item, deleted_at=None), by=actor)
            self._history.restored(tx, restored.state(), by=actor)
            return restored

        return await self._tenants.write(actor.tenant_id, use_case)

    async def activity(self, reference: str, page: PageRequest, *, actor: Actor) -> Page[Activity]:
        """Return what happened to an item, newest first."""
        after = after_number_and_text(page)

        def use_case(tx: Tx) -> list[Activity]:
            item = self._living(tx, reference)
            return self._history.page(tx, item.id, after=after, limit=page.limit_plus_one)

        rows = await self._tenants.read(actor.tenant_id, use_case)
        return page_of(rows, page, lambda row: (row.version, row.field))

    def _living(self, tx: Tx, reference: str) -> WorkItem:
        item = self._items.find(tx, reference)
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        return item

    def _writable(self, tx: Tx, reference: str) -> WorkItem:
        item = self._items.find(tx, reference, lock="change")
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        _refuse_archived(item)
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

    def _parent(self, tx: Tx, reference: str | None) -> WorkItem | None:
        if reference is None:
            return None
        parent = self._items.find(tx, reference, lock="parent")
        if parent is None or parent.deleted_at is not None:
            raise WorkItemNotFound(reference, param="parent_id")
        return parent

    def _assignee(self, tx: Tx, user_id: str | None) -> Assignee | None:
        if user_id is None:
            return None
        known = _USER_ID.fullmatch(user_id) is not None
        assignee = self._items.assignee(tx, user_id) if known else None
        if assignee is None:
            raise AssigneeNotMember(user_id)
        return assignee

    def _with_parent(self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None) -> WorkItem:
        if wanted is UNSET or wanted == item.parent_id:
            return item
        parent = self._parent(tx, wanted)
        if parent is None:
            return structs.replace(item, parent_id=None)
        check_parent(
            (item.id, item.item_type, item.project_id),
            (parent.id, parent.item_type, parent.project_id),
        )
        return structs.replace(item, parent_id=parent.id)

    def _with_assignee(self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None) -> WorkItem:
        if wanted is UNSET or wanted == item.assignee_id:
            return item
        assignee = self._assignee(tx, wanted)
        return structs.replace(
            item,
            assignee_id=assignee.id if assignee else None,
            assignee_name=assignee.name if assignee else None,
            assignee_avatar=assignee.avatar if assignee else None,
        )

    def _save(self, tx: Tx, item: WorkItem, *, by: Actor) -> WorkItem:
        saved = next_version(item, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, saved):
            raise WorkItemChanged(item.version, saved.version)
        return saved


def _refuse_archived(item: WorkItem) -> None:
    if item.project_archived_at is not None:
        raise ProjectIsArchived(item.project_key)


def _keyset(
    wanted: WorkItemFilter, page: PageRequest
) -> tuple[tuple[int | str, ...] | None, Callable[[WorkItem], Key]]:
    if wanted.updated_since is not None:
        return after_number_and_text(page), lambda item: (item.updated_at, item.id)
    if ordered_by_number(wanted):
        number = after_number(page)
        return None if number is None else (number,), lambda item: (item.number,)
    text = after_text(page)
    return None if text is None else (text,), lambda item: (item.id,)

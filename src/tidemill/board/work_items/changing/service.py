"""Takes items from one version to the next; each method works in the caller's transaction.

Whoever calls tells what happened: of one item by a fact of its own, of many by one for all.
"""

from __future__ import annotations

from msgspec import UNSET, structs

from tidemill.board.activities.service import History
from tidemill.board.blocking.models import starts_or_finishes
from tidemill.board.blocking.service import Blocking, Watched
from tidemill.board.errors import DeleteBlocked, ParentIsDeleted, WorkItemChanged
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.changes import (
    archived,
    changed_fields,
    differences,
    entered,
    next_version,
    overwriting,
)
from tidemill.board.work_items.changing.models import Rules, Step, StepKind, Written
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.guarding.service import Guarding
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.limiting.service import WipLimits
from tidemill.board.work_items.models import (
    WorkItem,
    WorkItemChanges,
    check_changeable,
    check_project_active,
)
from tidemill.board.work_items.references.service import References
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Changing:
    """All rules of changes to items; an item that comes in shows its labels and is locked."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._items = WorkItemRepository()
        self._history = History()
        self._labelling = Labelling(limits)
        self._custom_values = CustomValues()
        self._references = References(self._labelling)
        self._sprinting = Sprinting()
        self._blocking = Blocking()
        self._workflows = Workflows()
        self._kinds = ItemKinds()
        self._guarding = Guarding()
        self._wip_limits = WipLimits()

    def lock_others(self, tx: Tx, changes: WorkItemChanges) -> None:
        """Lock what other items have to do with `changes`.

        Before the items themselves: whoever joins items writes items of others.
        """
        if changes.parent is not UNSET and changes.parent is not None:
            self._blocking.lock(tx)
        if changes.parent is not UNSET or changes.item_type is not UNSET:
            self._kinds.share(tx)
        if changes.status is not UNSET:
            self._workflows.share(tx)

    def changed(
        self,
        tx: Tx,
        item: WorkItem,
        changes: WorkItemChanges,
        rules: Rules,
        *,
        by: Actor,
        expected: Expected = ANY_VERSION,
    ) -> Step | None:
        """Return the step to `item` as `changes` want it; None where nothing differs.

        Raises what the change of an item raises, but for limits of its board and cycles.
        """
        expected.check(item.version, WorkItemChanged)
        workflow = self._workflows.of(tx, item.project_id, item.workflow_id)
        wanted = changed_fields(item, changes, workflow=workflow, limits=self._limits)
        wanted = entered(wanted, item.status, workflow=workflow, at=tx.now)
        wanted = self._references.changed(tx, wanted, changes, by=by)
        self._references.check_kind(tx, item, wanted)
        wanted = self._sprinting.changed(tx, wanted, changes.sprint, rules.sprint_types)
        self._sprinting.check_kind(tx, item, wanted, rules.sprint_types)
        self._guarding.check(tx, item, wanted, workflow, by=by)
        wanted = archived(wanted, changes.archived, at=tx.now)
        wanted = self._sprinting.unarchived(tx, item, wanted)
        fields = differences(item, wanted)
        if not fields:
            return None
        if changes.archived is not False:
            check_changeable(item)
        if expected.base is not None and expected.base < item.version:
            self._history.refuse_overlap(tx, item.id, overwriting(fields, changes), expected.base)
        if rules.blocked_items_wait:
            self._refuse_waiting(tx, item, wanted)
        return Step(kind=StepKind.CHANGE, old=item, new=wanted, fields=fields)

    def deleted(self, tx: Tx, item: WorkItem, expected: Expected = ANY_VERSION) -> Step:
        """Return the step that hides a living item; raises `DeleteBlocked` for a parent."""
        check_changeable(item)
        expected.check(item.version, WorkItemChanged)
        if self._items.has_children(tx, item.id):
            raise DeleteBlocked(item.key)
        hidden = structs.replace(item, deleted_at=tx.now)
        return Step(kind=StepKind.DELETE, old=item, new=hidden)

    def restored(self, tx: Tx, item: WorkItem) -> Step | None:
        """Return the step that brings an item back; None for a living one.

        Raises `ProjectIsArchived` and `ParentIsDeleted`.
        """
        if item.deleted_at is None:
            return None
        check_project_active(item)
        if item.parent_id is not None:
            parent = self._items.find(tx, item.parent_id, lock="parent")
            if parent is None or parent.deleted_at is not None:
                raise ParentIsDeleted(item.key)
        back = self._sprinting.returned(tx, structs.replace(item, deleted_at=None))
        return Step(kind=StepKind.RESTORE, old=item, new=back)

    def write(self, tx: Tx, step: Step, *, by: Actor) -> Written:
        """Write a step with all that follows an item but its history.

        Raises `WipLimitReached`, and `DependencyCycle` where it has a new parent; where the step
        says that it `may_be_refused`, that is after a part of it was written.
        """
        opens_or_closes = step.old.is_open != step.new.is_open
        watched = self._blocking.watch(tx, step.old.id) if opens_or_closes else None
        saved = self._save(tx, step.old, step.new, by=by)
        if step.kind is StepKind.DELETE:
            self._sprinting.save(tx, step.old, saved)
        else:
            self.follow(tx, step.old, saved)
        if step.has_new_parent and saved.parent_id is not None:
            self._blocking.refuse_cycle_of_parent(tx, saved.id, saved.parent_id)
        return Written(kind=step.kind, item=saved, fields=step.fields, watched=watched)

    def follow(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Write what others have of an item, and hold the limits of its board."""
        self._labelling.save(tx, old, new)
        self._custom_values.save(tx, old, new)
        self._sprinting.save(tx, old, new)
        self._wip_limits.hold(tx, old, new)

    def tell(self, tx: Tx, watched: Watched | None, *, by: Actor) -> None:
        """Tell who waits now for what was written, and who waits no longer."""
        self._blocking.tell(tx, watched, by=by)

    def _refuse_waiting(self, tx: Tx, old: WorkItem, new: WorkItem) -> None:
        before = (old.status, old.status_category)
        if starts_or_finishes(before, (new.status, new.status_category)):
            self._blocking.refuse_waiting(tx, old.id)

    def _save(self, tx: Tx, old: WorkItem, item: WorkItem, *, by: Actor) -> WorkItem:
        saved = next_version(item, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, old, saved):
            raise WorkItemChanged(item.version, saved.version)
        return saved

"""How work items go to another project."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, structs

from tidemill.board.activities.service import History
from tidemill.board.blocking.service import Blocking
from tidemill.board.contract import FieldChange, WorkItemId, WorkItemState
from tidemill.board.errors import (
    ProjectIsArchived,
    ProjectNotFound,
    WorkItemChanged,
    WorkItemNotFound,
)
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.ranking.service import Ranking
from tidemill.board.transfer_errors import (
    ChildrenUndecided,
    ParentStaysBehind,
    TransferTooLarge,
)
from tidemill.board.transfer_facts import WorkItemTransferred
from tidemill.board.transfers.models import (
    Children,
    NewTransfer,
    Transfer,
    Transferred,
    items_per_transfer_max,
    status_in,
)
from tidemill.board.transfers.repository import TransferRepository
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.changes import differences, entered, next_version
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.guarding.service import Guarding
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.limiting.service import WipLimits
from tidemill.board.work_items.models import (
    WorkItem,
    check_changeable,
    check_parent,
    check_without_parent,
)
from tidemill.board.work_items.references.service import References
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx


class TransferService:
    """Transfers of work items; items and projects are named by id or key."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()
        self._transfers = TransferRepository()
        self._labelling = Labelling(limits)
        self._custom_values = CustomValues()
        self._references = References(self._labelling)
        self._sprinting = Sprinting()
        self._ranking = Ranking()
        self._blocking = Blocking()
        self._history = History()
        self._workflows = Workflows()
        self._kinds = ItemKinds()
        self._guarding = Guarding()
        self._wip_limits = WipLimits()

    async def transfer(
        self,
        reference: str,
        new: NewTransfer,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Transfer] | None = None,
    ) -> Transfer:
        """Give an item the next number of another project, at the end of its order.

        An item that is there already stays as it is. Raises `ChildrenUndecided`,
        `ParentStaysBehind` and `TransferTooLarge`, what a change of the parent raises,
        `TransitionGuarded` where a status of that project asks for more, and `VersionChanged` and
        `WorkItemChanged` when `expected` does not hold.
        """

        def use_case(tx: Tx) -> Transfer:
            root = self._locked(tx, reference)
            expected.check(root.version, WorkItemChanged)
            target = self._projects.find(tx, new.project)
            if target is None or target.deleted_at is not None:
                raise ProjectNotFound(new.project, param="project_id")
            if target.id == root.project_id:
                return Transfer(item=root)
            children = self._below(tx, [root])
            takes = _takes(root, children, new.children)
            olds = [root, *(self._subtree(tx, root, children) if takes else ())]
            numbers = self._projects.take_numbers(tx, target.id, len(olds))
            if numbers is None:
                raise ProjectIsArchived(target.key)
            parent = self._parent(tx, root, new, numbers)
            left = self._left(tx, () if takes else children, by=actor)
            gone = self._gone(tx, olds, numbers, parent, by=actor)
            if parent is not None:
                self._blocking.refuse_cycle_of_parent(tx, root.id, parent.id)
            self._wip_limits.hold_all(tx, [each[0] for each in gone])
            made = Transfer(
                item=gone[0][0],
                items=tuple(told for item, _, told in gone if item.deleted_at is None),
                children_left=left,
                parent_left=self._key_of(tx, root.parent_id),
            )
            self._tell(
                tx, root, made, [(item.state(), changes) for item, changes, _ in gone], actor
            )
            return made

        return await self._tenants.write(actor, use_case, once=once)

    def _locked(self, tx: Tx, reference: str) -> WorkItem:
        """Return the item, with its labels, when nobody else changes what lies above and below."""
        self._blocking.lock(tx)
        self._kinds.share(tx)
        self._workflows.share(tx)
        found = self._items.find(tx, reference)
        if found is not None:
            # An import reads parents under the lock of their project alone.
            self._ranking.lock(tx, found.project_id)
        item = self._items.find(tx, reference, lock="change")
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        check_changeable(item)
        [shown] = self._labelling.shown(tx, [item])
        return shown

    def _below(self, tx: Tx, parents: Sequence[WorkItem]) -> list[WorkItem]:
        limit = items_per_transfer_max + 1
        found = self._transfers.children(tx, [item.id for item in parents], limit=limit)
        return self._labelling.shown(tx, found)

    def _subtree(self, tx: Tx, root: WorkItem, children: list[WorkItem]) -> list[WorkItem]:
        """Return all that lies below `root`, level by level."""
        found: list[WorkItem] = []
        level = children
        while level:
            found += level
            if len(found) > items_per_transfer_max:
                raise TransferTooLarge(root.key, items_per_transfer_max)
            level = self._below(tx, level)
        return found

    def _parent(
        self, tx: Tx, root: WorkItem, new: NewTransfer, numbers: Numbers
    ) -> WorkItem | None:
        kinds = self._kinds.of(tx, numbers.kinds_id)
        if new.parent is UNSET:
            if root.parent_id is not None:
                raise ParentStaysBehind(root.key, self._key_of(tx, root.parent_id) or "")
            return None
        parent = self._references.parent(tx, new.parent)
        if parent is not None:
            check_parent(
                (root.id, root.item_type, numbers.project_id),
                (parent.id, parent.item_type, parent.project_id),
                kinds,
            )
        elif root.parent_id is not None:
            check_without_parent(root.item_type, kinds)
        return parent

    def _left(self, tx: Tx, children: Sequence[WorkItem], *, by: Actor) -> tuple[str, ...]:
        """Part children from their parent; return the keys of those that are not deleted."""
        for child in children:
            if child.deleted_at is None:
                check_without_parent(child.item_type, self._kinds.of(tx, child.kinds_id))
            saved = self._save(tx, child, structs.replace(child, parent_id=None), by=by)
            self._history.updated(tx, saved.state(), differences(child, saved), by=by)
        return tuple(child.key for child in children if child.deleted_at is None)

    def _gone(
        self,
        tx: Tx,
        olds: Sequence[WorkItem],
        numbers: Numbers,
        parent: WorkItem | None,
        *,
        by: Actor,
    ) -> list[tuple[WorkItem, tuple[FieldChange, ...], Transferred]]:
        ranks = self._ranking.at_the_end(tx, numbers.project_id, len(olds))
        gone = []
        for place, (old, rank) in enumerate(zip(olds, ranks, strict=True)):
            wanted, labels_left = self._labelling.in_project(tx, old, numbers.project_id)
            wanted, fields_left = self._custom_values.in_project(tx, wanted, numbers.project_id)
            wanted = structs.replace(
                self._placed(tx, wanted, numbers),
                number=numbers.first + place,
                rank=rank,
                external_id=self._external_id(tx, old, numbers),
            )
            if place == 0:
                wanted = structs.replace(wanted, parent_id=parent.id if parent else None)
            self._check_entry(tx, old, wanted, by=by)
            changes = old.is_open != wanted.is_open
            watched = self._blocking.watch(tx, old.id) if changes else None
            self._transfers.rehome(tx, old, wanted)
            saved = self._save(tx, old, wanted, by=by)
            self._blocking.tell(tx, watched, by=by)
            self._labelling.save(tx, old, saved)
            self._custom_values.save(tx, old, saved)
            self._sprinting.save(tx, old, saved)
            told = Transferred(
                id=old.id,
                old_key=old.key,
                key=saved.key,
                version=saved.version,
                status_left=old.status if saved.status != old.status else None,
                labels_left=labels_left,
                custom_fields_left=fields_left,
                sprint_left=old.sprint_name,
                external_id_left=None if saved.external_id else old.external_id,
            )
            gone.append((saved, differences(old, saved), told))
        return gone

    def _placed(self, tx: Tx, item: WorkItem, numbers: Numbers) -> WorkItem:
        """Return `item` in the project of `numbers`, in its workflow and in no sprint."""
        workflow = self._workflows.of(tx, numbers.project_id, numbers.workflow_id)
        placed = structs.replace(
            item,
            project_id=numbers.project_id,
            project_key=numbers.project_key,
            workflow_id=numbers.workflow_id,
            limits_id=numbers.limits_id,
            kinds_id=numbers.kinds_id,
            status=status_in(workflow, item.status, item.status_category),
            sprint_id=None,
            sprint_name=None,
        )
        return entered(placed, None, workflow=workflow, at=tx.now)

    def _check_entry(self, tx: Tx, old: WorkItem, new: WorkItem, *, by: Actor) -> None:
        """Raise `TransitionGuarded` where a status of the new project asks for more."""
        if old.deleted_at is not None:
            return
        workflow = self._workflows.of(tx, new.project_id, new.workflow_id)
        # The sprint stays behind, but that the item was in one counts.
        self._guarding.check_entry(
            tx, structs.replace(new, sprint_id=old.sprint_id), workflow, by=by
        )

    def _external_id(self, tx: Tx, item: WorkItem, numbers: Numbers) -> str | None:
        """Return the id that an item was imported with, unless another one there has it."""
        external_id = item.external_id
        if external_id is None or self._transfers.is_imported(tx, numbers.project_id, external_id):
            return None
        return external_id

    def _save(self, tx: Tx, old: WorkItem, new: WorkItem, *, by: Actor) -> WorkItem:
        saved = next_version(new, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, old, saved):
            raise WorkItemChanged(old.version, saved.version)
        return saved

    def _key_of(self, tx: Tx, item_id: WorkItemId | None) -> str | None:
        found = self._items.find(tx, item_id) if item_id is not None else None
        return found.key if found is not None else None

    def _tell(
        self,
        tx: Tx,
        root: WorkItem,
        made: Transfer,
        rows: Sequence[tuple[WorkItemState, tuple[FieldChange, ...]]],
        by: Actor,
    ) -> None:
        fact = WorkItemTransferred(
            work_item=made.item.state(),
            from_project_id=root.project_id,
            items=tuple(each.rekeyed() for each in made.items),
            user_id=by.user_id,
        )
        self._history.transferred(tx, fact, rows, by=by)
        tx.audit(
            "board.work_items.transfer",
            by=by,
            resource=f"work-item:{root.id}",
            before={"project_id": root.project_id, "keys": [each.old_key for each in made.items]},
            after={"project_id": made.item.project_id, "keys": [each.key for each in made.items]},
        )


def _takes(root: WorkItem, children: Sequence[WorkItem], choice: Children | None) -> bool:
    """Return whether the children go along; deleted ones do so where nobody says otherwise."""
    if choice is None and any(child.deleted_at is None for child in children):
        raise ChildrenUndecided(root.key)
    return choice is not Children.LEAVE

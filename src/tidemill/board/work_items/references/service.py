"""Finds what fields of an item point at: its parent, its assignee, its neighbours.

Each method works in the caller's transaction.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import UNSET, UnsetType, structs

from tidemill.board.access_errors import AssigneeWithoutAccess
from tidemill.board.contract import ProjectId
from tidemill.board.errors import (
    AssigneeNotMember,
    NullNotAllowed,
    PlaceAmbiguous,
    ProjectIsNotAWorkItem,
    WorkItemIsArchived,
    WorkItemNotFound,
    WrongNeighbour,
)
from tidemill.board.item_kinds.models import PROJECT
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.whole import whole
from tidemill.board.ranking.service import Place, Ranking
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    Assignee,
    WorkItem,
    WorkItemChanges,
    check_children,
    check_parent,
    check_without_parent,
)
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

_USER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class References:
    """What an item may point at, and items that point elsewhere."""

    def __init__(self, labelling: Labelling) -> None:
        self._items = WorkItemRepository()
        self._ranking = Ranking()
        self._labelling = labelling
        self._custom_values = CustomValues()
        self._kinds = ItemKinds()
        self._access = AccessRepository()

    def parent(self, tx: Tx, reference: str | None) -> WorkItem | None:
        """Return the living item that shall be above another one.

        Raises `WorkItemNotFound` and `WorkItemIsArchived`.
        """
        if reference is None:
            return None
        parent = self._items.find(tx, reference, lock="parent")
        if parent is None or parent.deleted_at is not None:
            raise WorkItemNotFound(reference, param="parent_id")
        if parent.archived_at is not None:
            raise WorkItemIsArchived(parent.key, param="parent_id")
        return parent

    def assignee(
        self, tx: Tx, user_id: str | None, project: tuple[ProjectId, str] | None
    ) -> Assignee | None:
        """Return the member who shall do something in a project, of this id and key.

        Raises `AssigneeNotMember` and `AssigneeWithoutAccess`.
        """
        if user_id is None:
            return None
        assignee = self._assignee(tx, user_id)
        if assignee is None:
            raise AssigneeNotMember(user_id)
        if project is not None and not self._access.readers(whole(tx), project[0], [user_id]):
            raise AssigneeWithoutAccess(user_id, project[1])
        return assignee

    def member(self, tx: Tx, user_id: str | None, project_id: ProjectId) -> str | None:
        """Return the id of somebody who can be an assignee, None of whoever has left."""
        found = self._assignee(tx, user_id) if user_id is not None else None
        if found is None or not self._access.readers(whole(tx), project_id, [found.id]):
            return None
        return found.id

    def changed(self, tx: Tx, item: WorkItem, changes: WorkItemChanges, *, by: Actor) -> WorkItem:
        """Return `item`, which shows its labels, as it points after `changes`.

        Where it moves, its project is locked.
        """
        item = self._with_kind(tx, item, changes.item_type)
        item = self._with_parent(tx, item, changes.parent)
        item = self._with_assignee(tx, item, changes.assignee_id)
        item = self._labelling.changed(tx, item, changes)
        item = self._custom_values.changed(tx, item, changes.custom_fields)
        return self._with_rank(tx, item, changes, by=by)

    def check_kind(self, tx: Tx, old: WorkItem, new: WorkItem) -> None:
        """Return when `new` may be of its kind, below its parent and above its children.

        Raises `UnknownItemType`, `ItemKindIsRetired`, `WrongParent` and `ChildrenDoNotFit`.
        """
        is_retyped = new.item_type != old.item_type
        if not is_retyped and new.parent_id == old.parent_id:
            return
        kinds = self._kinds.of(tx, new.kinds_id)
        if new.parent_id is None and (is_retyped or old.parent_id is not None):
            check_without_parent(new.item_type, kinds)
        if not is_retyped:
            return
        check_children(new.item_type, self._items.types_below(tx, new.id), kinds)
        # A new parent was looked at when it was found.
        if new.parent_id is not None and new.parent_id == old.parent_id:
            parent = self._items.find(tx, new.parent_id, lock="parent")
            if parent is not None:
                check_parent(
                    (new.id, new.item_type, new.project_id),
                    (parent.id, parent.item_type, parent.project_id),
                    kinds,
                )

    def _assignee(self, tx: Tx, user_id: str) -> Assignee | None:
        return self._items.assignee(tx, user_id) if _USER_ID.fullmatch(user_id) else None

    def _with_kind(self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None) -> WorkItem:
        if wanted is UNSET or wanted == item.item_type:
            return item
        if wanted is None:
            raise NullNotAllowed("item_type")
        if wanted == PROJECT:
            raise ProjectIsNotAWorkItem
        self._kinds.of(tx, item.kinds_id).check(wanted)
        return structs.replace(item, item_type=wanted)

    def _with_parent(self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None) -> WorkItem:
        if wanted is UNSET or wanted == item.parent_id:
            return item
        parent = self.parent(tx, wanted)
        if parent is None:
            return structs.replace(item, parent_id=None)
        check_parent(
            (item.id, item.item_type, item.project_id),
            (parent.id, parent.item_type, parent.project_id),
            self._kinds.of(tx, item.kinds_id),
        )
        return structs.replace(item, parent_id=parent.id)

    def _with_assignee(self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None) -> WorkItem:
        if wanted is UNSET or wanted == item.assignee_id:
            return item
        assignee = self.assignee(tx, wanted, (item.project_id, item.project_key))
        return structs.replace(
            item,
            assignee_id=assignee.id if assignee else None,
            assignee_name=assignee.name if assignee else None,
            assignee_avatar=assignee.avatar if assignee else None,
        )

    def _with_rank(
        self, tx: Tx, item: WorkItem, changes: WorkItemChanges, *, by: Actor
    ) -> WorkItem:
        if not changes.moves:
            return item
        if UNSET not in {changes.after, changes.before}:
            raise PlaceAmbiguous
        if changes.after is not UNSET:
            place = Place(self._neighbour(tx, item, changes.after, "after_id"), is_behind=True)
        elif changes.before is not UNSET:
            place = Place(self._neighbour(tx, item, changes.before, "before_id"), is_behind=False)
        rank = self._ranking.moved(tx, item.project_id, (item.id, item.rank), place, by=by)
        return structs.replace(item, rank=rank)

    def _neighbour(self, tx: Tx, item: WorkItem, reference: str | None, param: str) -> str | None:
        if reference is None:
            return None
        found = self._items.find(tx, reference)
        if found is None or found.deleted_at is not None:
            raise WorkItemNotFound(reference, param=param)
        if found.project_id != item.project_id or found.id == item.id:
            raise WrongNeighbour(param, found.key)
        return found.rank

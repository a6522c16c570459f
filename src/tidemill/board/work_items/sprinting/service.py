"""Puts items into sprints; each method works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType, structs

from tidemill.board.activities.service import History
from tidemill.board.contract import SprintId
from tidemill.board.errors import WorkItemChanged
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.sprint_scope.models import OpenSprint, Planned
from tidemill.board.sprint_scope.service import SprintScope
from tidemill.board.work_items.changes import differences, next_version
from tidemill.board.work_items.models import WorkItem, can_assign_to_sprint
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflows.models import CLOSED, Category
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Sprinting:
    """Sprints of items; fills the port `ItemsInSprints` of sprints."""

    def __init__(self) -> None:
        self._items = WorkItemRepository()
        self._history = History()
        self._scope = SprintScope()
        self._kinds = ItemKinds()

    def changed(
        self, tx: Tx, item: WorkItem, wanted: str | UnsetType | None, types: Sequence[str]
    ) -> WorkItem:
        """Return `item` in the sprint that is `wanted`, or in none; its version stays.

        Raises `NotPlannable` and what `SprintScope.enterable` raises.
        """
        if wanted is UNSET or wanted == item.sprint_id:
            return item
        if wanted is None:
            return _in(item, None)
        can_assign_to_sprint(item.item_type, self._taken(tx, item, types))
        return _in(item, self._scope.enterable(tx, wanted, item.project_id))

    def check_kind(self, tx: Tx, old: WorkItem, new: WorkItem, types: Sequence[str]) -> None:
        """Return when the sprint of an item takes the kind that it gets; raises `NotPlannable`."""
        if new.sprint_id is not None and new.item_type != old.item_type:
            can_assign_to_sprint(new.item_type, self._taken(tx, new, types))

    def _taken(self, tx: Tx, item: WorkItem, types: Sequence[str]) -> Sequence[str]:
        return self._kinds.of(tx, item.kinds_id).in_sprints(types)

    def returned(self, tx: Tx, item: WorkItem) -> WorkItem:
        """Return an item that comes back: where its sprint has ended, into the backlog."""
        if item.sprint_id is None or self._scope.is_open(tx, item.sprint_id):
            return item
        return _in(item, None)

    def unarchived(self, tx: Tx, old: WorkItem, new: WorkItem) -> WorkItem:
        """Return `new`, where it is archived no longer, as the end of its sprint leaves it.

        A sprint that ends leaves archived items where they are.
        """
        comes_out = old.archived_at is not None and new.archived_at is None
        return self.returned(tx, new) if comes_out and new.is_open else new

    def save(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Write what it means for sprints that an item was `old` and is `new`."""
        if new.sprint_id is not None or (old is not None and old.sprint_id is not None):
            self._scope.changed(tx, new.id, _planned(old), _planned(new))

    def holds(self, tx: Tx, sprint_id: SprintId) -> bool:
        """See `ItemsInSprints`."""
        return self._items.holds(tx, sprint_id)

    def carry_over(self, tx: Tx, sprint_id: SprintId, to: OpenSprint | None, *, by: Actor) -> int:
        """See `ItemsInSprints`."""
        count = 0
        for item in self._items.in_sprint(tx, sprint_id):
            # An archived one stays where it is.
            if item.status_category in CLOSED or item.archived_at is not None:
                continue
            wanted = _in(item, to)
            saved = next_version(wanted, at=tx.now, by=by.user_id or by.id)
            if not self._items.save(tx, item, saved):
                raise WorkItemChanged(item.version, saved.version)
            self._scope.changed(tx, item.id, _planned(item), _planned(saved), carried_over=True)
            self._history.updated(tx, saved.state(), differences(item, saved), by=by)
            count += 1
        return count


def _in(item: WorkItem, sprint: OpenSprint | None) -> WorkItem:
    return structs.replace(
        item,
        sprint_id=sprint.id if sprint else None,
        sprint_name=sprint.name if sprint else None,
    )


def _planned(item: WorkItem | None) -> Planned | None:
    """Return what counts of `item` in its sprint; a cancelled one is no work any more."""
    if item is None or item.sprint_id is None or item.deleted_at is not None:
        return None
    if item.status_category == Category.CANCELLED:
        return None
    return Planned(
        sprint_id=item.sprint_id,
        points=item.points or 0,
        is_done=item.status_category == Category.DONE,
    )

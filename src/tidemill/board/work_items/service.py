"""What one can do with work items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import UNSET, UnsetType

from tidemill.board.activities.service import History
from tidemill.board.errors import (
    WorkItemNotFound,
)
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.ranking.service import Ranking
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.creating.service import Creating
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    PLANNABLE,
    NewWorkItem,
    WorkItem,
    WorkItemChanges,
    check_project_active,
)
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx

TypesFor = Callable[[Actor], Awaitable[Sequence[str]]]


async def usual_types(actor: Actor) -> Sequence[str]:
    """Return which types sprints take where a tenant has set nothing."""
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
        sprint_types: TypesFor = usual_types,
        blocked_items_wait: Callable[[Actor], Awaitable[bool]] | None = None,
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._items = WorkItemRepository()
        self._history = History()
        self._ranking = Ranking()
        self._labelling = Labelling(limits)
        self._sprint_types = sprint_types
        self._creating = Creating(limits)
        self._changing = Changing(limits)
        self._blocked_items_wait = blocked_items_wait

    async def create(
        self, new: NewWorkItem, *, actor: Actor, once: Once[WorkItem] | None = None
    ) -> WorkItem:
        """Make an item with the next number of its project."""
        types = await self._types(actor, new.sprint)
        return await self._tenants.write(
            actor,
            lambda tx: self._creating.make(tx, new, types, by=actor),
            once=once,
        )

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

        return await self._tenants.write(actor, use_case, once=once)

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

        await self._tenants.write(actor, use_case)

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

        return await self._tenants.write(actor, use_case)

    async def rules(self, actor: Actor, changes: WorkItemChanges) -> Rules:
        """Return what the actor's tenant has set that `changes` must hold."""
        waits = changes.status is not UNSET and await self._blocked_wait(actor)
        # An item that gets another kind may lie in a sprint already.
        asks = changes.sprint if changes.item_type is UNSET else ""
        return Rules(sprint_types=await self._types(actor, asks), blocked_items_wait=waits)

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

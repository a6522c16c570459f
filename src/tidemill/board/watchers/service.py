"""What one can do with watchers."""

from __future__ import annotations

from tidemill.board.access_errors import AssigneeWithoutAccess
from tidemill.board.contract import WatcherAdded, WatcherRemoved
from tidemill.board.errors import WorkItemNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.service import may
from tidemill.board.project_access.whole import whole
from tidemill.board.texts import is_uuid
from tidemill.board.watcher_errors import WatcherNotMember, WatchForOthers
from tidemill.board.watchers.models import Watcher, WatchState
from tidemill.board.watchers.repository import WatcherRepository
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx

ME = "me"


class WatcherService:
    """Use cases of watchers; an item is named by its id or its key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._watchers = WatcherRepository()
        self._items = WorkItemRepository()
        self._access = AccessRepository()

    async def list(self, reference: str, page: PageRequest, *, actor: Actor) -> Page[Watcher]:
        """Return who hears of an item; raises `WorkItemNotFound`."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Watcher]:
            item = self._living(tx, reference)
            return self._watchers.page(
                tx,
                (item.id, item.created_by, item.assignee_id),
                after=after,
                limit=page.limit_plus_one,
            )

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda watcher: (watcher.id,))

    async def watch(self, reference: str, user_id: str, *, actor: Actor) -> Watcher:
        """Let a member hear of an item; raises `WatcherNotMember` and `WatchForOthers`."""
        return await self._set(reference, user_id, WatchState.WATCHING, actor=actor)

    async def mute(self, reference: str, user_id: str, *, actor: Actor) -> None:
        """Let somebody hear no more of an item, also who made it or shall do it."""
        await self._set(reference, user_id, WatchState.MUTED, actor=actor)

    async def _set(
        self, reference: str, user_id: str, state: WatchState, *, actor: Actor
    ) -> Watcher:
        wanted = (actor.user_id or "") if user_id == ME else user_id.lower()

        def use_case(tx: Tx) -> Watcher:
            item = self._living(tx, reference)
            is_own = wanted == actor.user_id
            if not is_own and not may(tx, item.project_id, ProjectRole.EDITOR, actor):
                raise WatchForOthers
            member = self._items.assignee(tx, wanted) if is_uuid(wanted) else None
            if member is None:
                raise WatcherNotMember(wanted or user_id)
            if not is_own and not self._access.readers(whole(tx), item.project_id, [wanted]):
                raise AssigneeWithoutAccess(wanted, item.project_key, param="user_id")
            if self._watchers.set(tx, item.id, wanted, state):
                self._tell(tx, item, wanted, state, by=actor)
            return Watcher(member.id, member.name, member.avatar)

        return await self._tenants.write(actor, use_case)

    def _tell(self, tx: Tx, item: WorkItem, user_id: str, state: WatchState, *, by: Actor) -> None:
        fact = WatcherAdded if state is WatchState.WATCHING else WatcherRemoved
        tx.record(
            fact(
                work_item_id=item.id,
                project_id=item.project_id,
                watcher_id=user_id,
                user_id=by.user_id,
            ),
            by=by,
        )
        tx.audit(
            "board.work_items.watch",
            by=by,
            resource=f"work-item:{item.id}",
            after={"user_id": user_id, "state": state},
        )

    def _living(self, tx: Tx, reference: str) -> WorkItem:
        item = self._items.find(tx, reference)
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        return item

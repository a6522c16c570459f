"""What one can do with dependencies."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from tidemill.board.activities.service import History
from tidemill.board.blocking.service import Blocking
from tidemill.board.contract import FieldChange, WorkItemId
from tidemill.board.dependencies.models import (
    Dependency,
    DependencyFilter,
    DependencyType,
    LinkedItem,
    NewDependency,
    changes_of,
)
from tidemill.board.dependencies.repository import DependencyRepository
from tidemill.board.dependency_errors import (
    CloseNeedsDuplicate,
    DependencyExists,
    DependencyNotFound,
    SelfDependency,
    TooManyDependencies,
)
from tidemill.board.dependency_facts import DependencyCreated, DependencyDeleted
from tidemill.board.errors import WorkItemChanged, WorkItemNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.work_items.changes import differences, entered, next_version
from tidemill.board.work_items.models import WorkItem, check_changeable
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class _Wish(Struct, frozen=True):
    """A dependency to be made, its items, and what goes before the names of its fields."""

    new: NewDependency
    blocking: WorkItem
    blocked: WorkItem
    prefix: str


class DependencyService:
    """Use cases of dependencies; items are named by their ids or keys."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._dependencies = DependencyRepository()
        self._items = WorkItemRepository()
        self._history = History()
        self._blocking = Blocking()
        self._sprinting = Sprinting()
        self._workflows = Workflows()

    async def create(
        self, new: NewDependency, *, actor: Actor, once: Once[Dependency] | None = None
    ) -> Dependency:
        """Join two items; raises `DependencyCycle`, which tells the whole way round."""

        def use_case(tx: Tx) -> Dependency:
            self._lock(tx, [new])
            wish = self._wish(tx, new, "", {})
            [made] = self._join(tx, [wish], by=actor)
            if new.dependency_type is DependencyType.BLOCKS:
                self._blocking.refuse_cycle(tx, made.blocking.id, made.blocked.id)
            return made

        return await self._tenants.write(actor, use_case, once=once)

    async def create_all(
        self,
        news: Sequence[NewDependency],
        *,
        actor: Actor,
        once: Once[list[Dependency]] | None = None,
    ) -> list[Dependency]:
        """Join many items, all or none; raises `DependencyCycles`, which names all in the way."""

        def use_case(tx: Tx) -> list[Dependency]:
            self._lock(tx, news)
            known: dict[str, WorkItem] = {}
            wishes = [
                self._wish(tx, new, f"dependencies[{place}].", known)
                for place, new in enumerate(news)
            ]
            made = [*self._join(tx, wishes, by=actor)]
            self._blocking.refuse_cycles(
                tx,
                [
                    (place, (each.blocking.id, each.blocked.id))
                    for place, each in enumerate(made)
                    if each.dependency_type is DependencyType.BLOCKS
                ],
            )
            return made

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, dependency_id: str, *, actor: Actor) -> Dependency:
        """Return a dependency; raises `DependencyNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._living(tx, dependency_id))

    async def list(
        self, wanted: DependencyFilter, page: PageRequest, *, actor: Actor
    ) -> Page[Dependency]:
        """Return dependencies of a filter, newest first."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Dependency]:
            return self._dependencies.page(tx, wanted, after=after, limit=page.limit_plus_one)

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda dependency: (dependency.id,))

    async def of_item(
        self, reference: str, type_: DependencyType | None, page: PageRequest, *, actor: Actor
    ) -> Page[Dependency]:
        """Return dependencies of an item, newest first; raises `WorkItemNotFound`."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Dependency]:
            item = self._items.find(tx, reference)
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference)
            return self._dependencies.of_item(
                tx, item.id, type_, after=after, limit=page.limit_plus_one
            )

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda dependency: (dependency.id,))

    async def delete(self, dependency_id: str, *, actor: Actor) -> None:
        """Part two items; at least one of them must not be archived, nor its project."""

        def use_case(tx: Tx) -> None:
            found = self._living(tx, dependency_id)
            both = [self._writable(tx, item.id) for item in (found.blocking, found.blocked)]
            active = [item for item in both if _is_changeable(item)]
            if not active:
                check_changeable(both[0])
            blocks = found.dependency_type is DependencyType.BLOCKS
            watched = self._blocking.watch_items(tx, [found.blocked.id] if blocks else [])
            if not self._dependencies.remove(tx, found.id):
                raise DependencyNotFound(dependency_id)
            changes = changes_of([found], removed=True)
            for item in active:
                self._save(tx, item, item, changes[item.id], by=actor)
            self._told_of_end(tx, found, by=actor)
            self._blocking.tell(tx, watched, by=actor)

        await self._tenants.write(actor, use_case)

    def _lock(self, tx: Tx, news: Sequence[NewDependency]) -> None:
        self._blocking.lock(tx)
        if any(new.close for new in news):
            self._workflows.share(tx)

    def _living(self, tx: Tx, dependency_id: str) -> Dependency:
        found = self._dependencies.find(tx, dependency_id)
        if found is None:
            raise DependencyNotFound(dependency_id)
        return found

    def _writable(self, tx: Tx, reference: str, param: str | None = None) -> WorkItem:
        item = self._items.find(tx, reference, lock="change")
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference, param=param)
        return item

    def _wish(self, tx: Tx, new: NewDependency, prefix: str, known: dict[str, WorkItem]) -> _Wish:
        """Return what shall be joined; raises what is wrong with it by itself."""
        if new.close and new.dependency_type is not DependencyType.DUPLICATES:
            raise CloseNeedsDuplicate(param=f"{prefix}close")
        both: list[WorkItem] = []
        for name, reference in (("blocking", new.blocking), ("blocked", new.blocked)):
            if reference not in known:
                known[reference] = self._writable(tx, reference, f"{prefix}{name}_item_id")
            item = known[reference]
            check_changeable(item)
            both.append(item)
        blocking, blocked = both
        if blocking.id == blocked.id:
            raise SelfDependency(blocking.key, param=f"{prefix}blocked_item_id")
        return _Wish(new, blocking, blocked, prefix)

    def _join(self, tx: Tx, wishes: Sequence[_Wish], *, by: Actor) -> Sequence[Dependency]:
        """Write all that is wished; whether it can be in some order is the caller's to check."""
        olds = {item.id: item for wish in wishes for item in (wish.blocking, wish.blocked)}
        items = {**olds, **self._closed(tx, wishes)}
        watched = self._blocking.watch_items(tx, self._concerned(tx, wishes, olds, items))
        made = [self._added(tx, wish, items, by=by) for wish in wishes]
        for item in items.values():
            if self._dependencies.count(tx, item.id) > self._limits.dependencies_per_item_max:
                raise TooManyDependencies(item.key, self._limits.dependencies_per_item_max)
        changes = changes_of(made)
        for item_id, old in olds.items():
            self._save(tx, old, items[item_id], changes[item_id], by=by)
        for dependency in made:
            state = dependency.state()
            tx.record(DependencyCreated(dependency=state, user_id=by.user_id), by=by)
            tx.audit(
                "board.dependencies.create",
                by=by,
                resource=f"dependency:{dependency.id}",
                after=state,
            )
        self._blocking.tell(tx, watched, by=by)
        return made

    def _closed(self, tx: Tx, wishes: Sequence[_Wish]) -> dict[WorkItemId, WorkItem]:
        """Return the duplicates that shall be cancelled, unless they are finished already."""
        closed = {}
        for wish in wishes:
            item = wish.blocking
            if not wish.new.close or not item.is_open:
                continue
            workflow = self._workflows.of(tx, item.project_id, item.workflow_id)
            cancelled = structs.replace(item, status=workflow.closing)
            closed[item.id] = entered(cancelled, item.status, workflow=workflow, at=tx.now)
        return closed

    def _concerned(
        self,
        tx: Tx,
        wishes: Sequence[_Wish],
        olds: dict[WorkItemId, WorkItem],
        items: dict[WorkItemId, WorkItem],
    ) -> Sequence[WorkItemId]:
        """Return what is going to be blocked, and what may be free when duplicates are closed."""
        found = {
            wish.blocked.id for wish in wishes if wish.new.dependency_type is DependencyType.BLOCKS
        }
        for item_id, old in olds.items():
            if items[item_id] is not old:
                found.update(self._blocking.dependents(tx, item_id))
        return sorted(found)

    def _added(
        self, tx: Tx, wish: _Wish, items: dict[WorkItemId, WorkItem], *, by: Actor
    ) -> Dependency:
        dependency = Dependency(
            id=tx.new_id(),
            dependency_type=wish.new.dependency_type,
            blocking=_shown(items[wish.blocking.id]),
            blocked=_shown(items[wish.blocked.id]),
            created_at=tx.now,
            created_by=by.user_id or by.id,
        )
        if not self._dependencies.add(tx, dependency):
            known = self._dependencies.between(
                tx, dependency.dependency_type, wish.blocking.id, wish.blocked.id
            )
            sentence = (known or dependency).told()
            raise DependencyExists(sentence, param=f"{wish.prefix}blocked_item_id")
        return dependency

    def _save(
        self,
        tx: Tx,
        old: WorkItem,
        new: WorkItem,
        changes: tuple[FieldChange, ...],
        *,
        by: Actor,
    ) -> None:
        saved = next_version(new, at=tx.now, by=by.user_id or by.id)
        if not self._items.save(tx, old, saved):
            raise WorkItemChanged(old.version, saved.version)
        self._sprinting.save(tx, old, saved)
        write = self._history.joined if new is old else self._history.updated
        write(tx, saved.state(), (*differences(old, new), *changes), by=by)

    def _told_of_end(self, tx: Tx, found: Dependency, *, by: Actor) -> None:
        state = found.state()
        tx.record(
            DependencyDeleted(
                dependency=state,
                dependency_id=found.id,
                blocking_item_id=found.blocking.id,
                blocked_item_id=found.blocked.id,
                user_id=by.user_id,
            ),
            by=by,
        )
        tx.audit(
            "board.dependencies.delete", by=by, resource=f"dependency:{found.id}", before=state
        )


def _shown(item: WorkItem) -> LinkedItem:
    return LinkedItem(
        item.id,
        item.project_id,
        item.project_key,
        item.number,
        item.title,
        item.status,
        item.status_category,
    )


def _is_changeable(item: WorkItem) -> bool:
    return item.project_archived_at is None and item.archived_at is None

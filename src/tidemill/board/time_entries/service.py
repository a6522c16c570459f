"""What one can do with time entries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from msgspec import UNSET, UnsetType, structs

from tidemill.board.contract import WorkItemId
from tidemill.board.errors import ProjectIsArchived, WorkItemIsArchived, WorkItemNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import may
from tidemill.board.time_errors import (
    NotYourTimeEntry,
    TimeEntryChanged,
    TimeEntryNotFound,
    TimeUserNotMember,
)
from tidemill.board.time_tracking import journal
from tidemill.board.time_tracking.models import (
    NewTimeEntry,
    TimeEntry,
    TimeEntryChanges,
    TimeEntryFilter,
    TimeSource,
    Tracked,
    differences,
    is_user_id,
    owner_of,
    spanning,
    valid_time_description,
)
from tidemill.board.time_tracking.service import Owner, TimeKeeping
from tidemill.board.time_tracking.spans import changed_span, new_span
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number_and_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx

exported_page_length: Final = 500


class TimeEntryService:
    """Use cases of time entries; whoever is no owner of a project writes their own alone."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._keeping = TimeKeeping()
        self._entries = self._keeping.entries
        self._items = WorkItemRepository()

    async def create(
        self, new: NewTimeEntry, *, actor: Actor, once: Once[Tracked] | None = None
    ) -> Tracked:
        """Enter time that was spent.

        Raises what `new_span` raises, `WorkItemNotFound`, `ProjectIsArchived`,
        `NotYourTimeEntry` and `TimeUserNotMember`.
        """
        description = valid_time_description(new.description, self._limits)

        def use_case(tx: Tx) -> Tracked:
            span = new_span(new.times, tx.now)
            item = self._keeping.trackable(tx, new.work_item)
            owner = self._owner(tx, new.user_id, item, actor)
            entry = self._keeping.made(
                tx, item, owner, span, description, by=actor, source=TimeSource.MANUAL
            )
            self._entries.add(tx, entry)
            journal.created(tx, entry, by=actor)
            return self._keeping.tracked(tx, entry)

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, entry_id: str, *, actor: Actor) -> Tracked:
        """Return an entry; raises `TimeEntryNotFound`."""

        def use_case(tx: Tx) -> Tracked:
            entry = self._entries.find(tx, entry_id)
            if entry is None:
                raise TimeEntryNotFound(entry_id)
            return self._keeping.tracked(tx, entry)

        return await self._tenants.read(actor, use_case)

    async def list(
        self, wanted: TimeEntryFilter, page: PageRequest, *, actor: Actor
    ) -> Page[TimeEntry]:
        """Return entries of a filter, the last begun first."""
        after = after_number_and_text(page)

        def use_case(tx: Tx) -> list[TimeEntry]:
            return self._entries.page(tx, wanted, after=after, limit=page.limit_plus_one)

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda entry: (entry.started_at, entry.id))

    async def list_of_item(
        self, reference: str, page: PageRequest, *, actor: Actor
    ) -> tuple[Page[TimeEntry], int]:
        """Return what was spent on an item, the last begun first, and the seconds of all of it.

        Raises `WorkItemNotFound`.
        """
        after = after_number_and_text(page)

        def use_case(tx: Tx) -> tuple[Sequence[TimeEntry], int]:
            item_id = self._living_item(tx, reference)
            wanted = TimeEntryFilter(work_item_id=item_id)
            rows = self._entries.page(tx, wanted, after=after, limit=page.limit_plus_one)
            return rows, self._entries.spent_seconds(tx, item_id)

        rows, spent = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda entry: (entry.started_at, entry.id)), spent

    async def export(
        self, wanted: TimeEntryFilter, *, actor: Actor
    ) -> AsyncIterator[Sequence[TimeEntry]]:
        """Yield pages of all entries of a filter, the last begun first."""
        after: tuple[int, str] | None = None
        while True:
            rows = await self._tenants.read(actor, self._exported(wanted, after))
            yield rows
            if len(rows) < exported_page_length:
                return
            after = (rows[-1].started_at, rows[-1].id)

    async def change(
        self,
        entry_id: str,
        changes: TimeEntryChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Tracked] | None = None,
    ) -> Tracked:
        """Change fields of an entry; without a difference its version stays.

        Raises `VersionChanged` and `TimeEntryChanged` when `expected` does not hold, and what
        `changed_span` raises.
        """

        def use_case(tx: Tx) -> Tracked:
            entry = self._writable(tx, entry_id, expected, actor)
            wanted = spanning(entry, changed_span(entry.span, changes.times, tx.now))
            wanted = self._with_item(tx, wanted, changes.work_item)
            if changes.description is not UNSET:
                description = valid_time_description(changes.description, self._limits)
                wanted = structs.replace(wanted, description=description)
            fields = differences(entry, wanted)
            if not fields:
                return self._keeping.tracked(tx, entry)
            saved = self._keeping.saved(tx, wanted, by=actor)
            journal.updated(tx, entry, saved, fields, by=actor)
            return self._keeping.tracked(tx, saved)

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, entry_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Delete an entry; one whose timer runs is discarded by that."""

        def use_case(tx: Tx) -> None:
            entry = self._writable(tx, entry_id, expected, actor)
            journal.deleted(tx, self._keeping.deleted(tx, entry, by=actor), by=actor)

        await self._tenants.write(actor, use_case)

    def _exported(
        self, wanted: TimeEntryFilter, after: tuple[int, str] | None
    ) -> Callable[[Tx], Sequence[TimeEntry]]:
        return lambda tx: self._entries.page(tx, wanted, after=after, limit=exported_page_length)

    def _writable(self, tx: Tx, entry_id: str, expected: Expected, actor: Actor) -> TimeEntry:
        entry = self._entries.find(tx, entry_id, lock=True)
        if entry is None:
            raise TimeEntryNotFound(entry_id)
        is_own = entry.user_id == owner_of(actor)
        if not is_own and not may(tx, entry.project_id, ProjectRole.OWNER, actor):
            raise NotYourTimeEntry
        expected.check(entry.version, TimeEntryChanged)
        if entry.project_archived_at is not None:
            raise ProjectIsArchived(entry.project_key)
        if entry.item_archived_at is not None:
            raise WorkItemIsArchived(entry.item_key)
        return entry

    def _owner(self, tx: Tx, user_id: str | None, item: WorkItem, actor: Actor) -> Owner:
        if user_id is None or user_id == owner_of(actor):
            own = owner_of(actor)
            return self._keeping.member(tx, own) or Owner(own, None)
        if not may(tx, item.project_id, ProjectRole.OWNER, actor):
            raise NotYourTimeEntry(param="user_id")
        member = self._keeping.member(tx, user_id) if is_user_id(user_id) else None
        if member is None:
            raise TimeUserNotMember(user_id)
        return member

    def _with_item(self, tx: Tx, entry: TimeEntry, reference: str | UnsetType) -> TimeEntry:
        if reference is UNSET or reference == entry.work_item_id:
            return entry
        item = self._keeping.trackable(tx, reference)
        return structs.replace(
            entry,
            work_item_id=item.id,
            project_id=item.project_id,
            project_key=item.project_key,
            item_number=item.number,
            item_title=item.title,
        )

    def _living_item(self, tx: Tx, reference: str) -> WorkItemId:
        item = self._items.find(tx, reference)
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        return item.id

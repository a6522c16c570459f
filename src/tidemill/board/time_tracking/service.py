"""What use cases of entries and of timers have in common."""

from __future__ import annotations

from msgspec import Struct, structs

from tidemill.board.errors import WorkItemNotFound
from tidemill.board.time_contract import TimeEntryId
from tidemill.board.time_errors import TimeEntryChanged
from tidemill.board.time_tracking.models import (
    TimeEntry,
    TimeSource,
    Tracked,
    next_version,
    owner_of,
    spanning,
)
from tidemill.board.time_tracking.repository import TimeEntryRepository
from tidemill.board.time_tracking.spans import Span
from tidemill.board.work_items.models import WorkItem, check_changeable
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Owner(Struct, frozen=True):
    """Whose time an entry is, as the tenant's people know them."""

    id: str
    name: str | None


class TimeKeeping:
    """Each method works in the caller's transaction."""

    def __init__(self) -> None:
        self.entries = TimeEntryRepository()
        self._items = WorkItemRepository()

    def trackable(self, tx: Tx, reference: str) -> WorkItem:
        """Return an item that time can be entered for, held until the transaction ends.

        Raises `WorkItemNotFound`, `ProjectIsArchived` and `WorkItemIsArchived`.
        """
        item = self._items.find(tx, reference, lock="parent")
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference, param="work_item_id")
        check_changeable(item)
        return item

    def member(self, tx: Tx, user_id: str) -> Owner | None:
        """Return an active member."""
        found = self._items.assignee(tx, user_id)
        return Owner(found.id, found.name) if found else None

    def made(  # noqa: PLR0913 - one for each thing that an entry is made of
        self,
        tx: Tx,
        item: WorkItem,
        owner: Owner,
        span: Span,
        description: str | None,
        *,
        by: Actor,
        source: TimeSource,
        job_id: str | None = None,
    ) -> TimeEntry:
        """Return a new entry, which is not stored yet."""
        who = owner_of(by)
        entry = TimeEntry(
            id=TimeEntryId(tx.new_id()),
            work_item_id=item.id,
            project_id=item.project_id,
            project_key=item.project_key,
            project_archived_at=item.project_archived_at,
            item_number=item.number,
            item_title=item.title,
            user_id=owner.id,
            user_name=owner.name,
            started_at=span.started_at,
            ended_at=span.ended_at,
            on_day=None,
            description=description,
            source=source.value,
            job_id=job_id,
            version=1,
            created_at=tx.now,
            created_by=who,
            updated_at=tx.now,
            updated_by=who,
        )
        return spanning(entry, span)

    def saved(self, tx: Tx, entry: TimeEntry, *, by: Actor) -> TimeEntry:
        """Write and return the next version of an entry; raises `TimeEntryChanged`."""
        saved = next_version(entry, at=tx.now, by=owner_of(by))
        if not self.entries.save(tx, saved):
            raise TimeEntryChanged(entry.version, saved.version)
        return saved

    def deleted(self, tx: Tx, entry: TimeEntry, *, by: Actor) -> TimeEntry:
        """Hide an entry; return its last version."""
        return self.saved(tx, structs.replace(entry, deleted_at=tx.now), by=by)

    def tracked(self, tx: Tx, entry: TimeEntry, stopped: TimeEntry | None = None) -> Tracked:
        """Return an entry with what it overlaps."""
        overlaps = self.entries.overlapping(tx, entry)
        return Tracked(entry=entry, overlaps=overlaps, stopped=stopped)

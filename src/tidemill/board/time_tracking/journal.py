"""Writes what happened to time entries everywhere it must be known: fact and audit."""

from __future__ import annotations

from tidemill.board.contract import FieldChange
from tidemill.board.time_contract import (
    TimeEntryCreated,
    TimeEntryDeleted,
    TimeEntryUpdated,
    TimerStarted,
    TimerStopped,
)
from tidemill.board.time_tracking.models import TimeEntry
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


def started(tx: Tx, entry: TimeEntry, stopped_entry: TimeEntry | None, *, by: Actor) -> None:
    """Write that a timer was started, and which one that stopped."""
    state = entry.state()
    other = stopped_entry.state() if stopped_entry is not None else None
    tx.record(TimerStarted(time_entry=state, user_id=by.user_id, stopped_entry=other), by=by)
    tx.audit("board.timers.start", by=by, resource=_resource(entry), before=other, after=state)


def stopped(tx: Tx, entry: TimeEntry, *, by: Actor) -> None:
    """Write that a timer was stopped."""
    state = entry.state()
    tx.record(TimerStopped(time_entry=state, user_id=by.user_id), by=by)
    tx.audit("board.timers.stop", by=by, resource=_resource(entry), after=state)


def created(tx: Tx, entry: TimeEntry, *, by: Actor) -> None:
    """Write that time was entered or booked."""
    state = entry.state()
    tx.record(TimeEntryCreated(time_entry=state, user_id=by.user_id), by=by)
    tx.audit("board.time_entries.create", by=by, resource=_resource(entry), after=state)


def updated(
    tx: Tx, old: TimeEntry, new: TimeEntry, changes: tuple[FieldChange, ...], *, by: Actor
) -> None:
    """Write that `changes` led from `old` to `new`."""
    tx.record(
        TimeEntryUpdated(
            time_entry=new.state(),
            changes=changes,
            user_id=by.user_id,
            moved_from=old.state() if old.work_item_id != new.work_item_id else None,
        ),
        by=by,
    )
    tx.audit(
        "board.time_entries.update",
        by=by,
        resource=_resource(new),
        before={change.field_name: change.old_value for change in changes},
        after={change.field_name: change.new_value for change in changes},
    )


def deleted(tx: Tx, entry: TimeEntry, *, by: Actor) -> None:
    """Write that an entry was deleted, or its timer discarded."""
    tx.record(
        TimeEntryDeleted(
            time_entry_id=entry.id,
            work_item_id=entry.work_item_id,
            project_id=entry.project_id,
            owner_id=entry.user_id,
            version=entry.version,
            user_id=by.user_id,
        ),
        by=by,
    )
    tx.audit("board.time_entries.delete", by=by, resource=_resource(entry), before=entry.state())


def _resource(entry: TimeEntry) -> str:
    return f"time-entry:{entry.id}"

"""What one can do with one's timer."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.service import hidden_among
from tidemill.board.project_access.whole import whole
from tidemill.board.time_errors import NoTimerRunning, TimerBusy
from tidemill.board.time_tracking import journal
from tidemill.board.time_tracking.models import (
    TimeEntry,
    TimeSource,
    Tracked,
    owner_of,
    valid_time_description,
)
from tidemill.board.time_tracking.service import Owner, TimeKeeping
from tidemill.board.time_tracking.spans import Span, second_of, stopped
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx

starts_at_once_max: Final = 50


class TimerService:
    """Use cases of timers: a person has one that runs, or none."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._keeping = TimeKeeping()

    async def start(
        self,
        work_item: str,
        description: str | None = None,
        *,
        actor: Actor,
        once: Once[Tracked] | None = None,
    ) -> Tracked:
        """Start a timer for an item, and stop the one that runs.

        One for an item that the actor may not see any more stops untold. Raises
        `WorkItemNotFound` and `ProjectIsArchived`.
        """
        text = valid_time_description(description, self._limits)

        def use_case(tx: Tx) -> Tracked:
            own = owner_of(actor)
            item = self._keeping.trackable(tx, work_item)
            owner = self._keeping.member(tx, own) or Owner(own, None)
            span = Span(second_of(tx.now), None)
            entry = self._keeping.made(
                tx, item, owner, span, text, by=actor, source=TimeSource.TIMER
            )
            ended = self._stop_and_add(tx, entry, actor)
            journal.started(tx, entry, ended, by=actor)
            is_hidden = ended is not None and _is_hidden(tx, ended)
            return self._keeping.tracked(tx, entry, None if is_hidden else ended)

        return await self._tenants.write(actor, use_case, once=once)

    async def running(self, *, actor: Actor) -> TimeEntry | None:
        """Return the actor's entry whose timer runs."""
        return await self._tenants.read(
            actor, lambda tx: self._keeping.entries.running(tx, owner_of(actor))
        )

    async def stop(self, *, actor: Actor, once: Once[Tracked] | None = None) -> Tracked:
        """Stop the actor's timer; raises `NoTimerRunning`."""

        def use_case(tx: Tx) -> Tracked:
            entry = self._ended(tx, self._visible(tx, actor), actor)
            journal.stopped(tx, entry, by=actor)
            return self._keeping.tracked(tx, entry)

        return await self._tenants.write(actor, use_case, once=once)

    async def discard(self, *, actor: Actor) -> None:
        """Delete the actor's entry whose timer runs; raises `NoTimerRunning`."""

        def use_case(tx: Tx) -> None:
            entry = self._visible(tx, actor)
            journal.deleted(tx, self._keeping.deleted(tx, entry, by=actor), by=actor)

        await self._tenants.write(actor, use_case)

    def _stop_and_add(self, tx: Tx, entry: TimeEntry, actor: Actor) -> TimeEntry | None:
        """Insert `entry`; return the one that was stopped for it."""
        ended = None
        # Where another start commits between the two statements, its timer is the one to stop.
        for _ in range(starts_at_once_max):
            ended = self._stop(tx, actor) or ended
            if self._keeping.entries.add_running(tx, entry):
                return ended
        raise TimerBusy

    def _stop(self, tx: Tx, actor: Actor) -> TimeEntry | None:
        entry = self._locked(tx, actor)
        return None if entry is None else self._ended(tx, entry, actor)

    def _visible(self, tx: Tx, actor: Actor) -> TimeEntry:
        """Return the actor's timer; one for an item that is hidden now is there no more."""
        entry = self._locked(tx, actor)
        if entry is None or _is_hidden(tx, entry):
            raise NoTimerRunning
        return entry

    def _ended(self, tx: Tx, entry: TimeEntry, actor: Actor) -> TimeEntry:
        ended = structs.replace(entry, ended_at=stopped(entry.started_at, tx.now))
        return self._keeping.saved(tx, ended, by=actor)

    def _locked(self, tx: Tx, actor: Actor) -> TimeEntry | None:
        # One runs at a time, also where somebody may not look any more.
        own, everywhere = owner_of(actor), whole(tx)
        # While this waits for one to be stopped, another may begin.
        for _ in range(starts_at_once_max):
            entry = self._keeping.entries.running(everywhere, own, lock=True)
            if entry is not None or self._keeping.entries.running(everywhere, own) is None:
                return entry
        raise TimerBusy


def _is_hidden(tx: Tx, entry: TimeEntry) -> bool:
    return bool(hidden_among(tx, {entry.project_id}))

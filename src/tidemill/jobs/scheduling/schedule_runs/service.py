"""What people do with due times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_DAY, Clock, Instant, rfc3339
from tidemill.core.keysets import after_number_and_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.schedule_errors import (
    BackfillTooLarge,
    OccurrenceNotFound,
    ScheduleInvalid,
    ScheduleNotFound,
)
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState, Origin
from tidemill.jobs.scheduling.occurrences.planning import Planned
from tidemill.jobs.scheduling.occurrences.service import Occurrences
from tidemill.jobs.scheduling.schedules.models import Schedule
from tidemill.jobs.scheduling.schedules.timetables import Timetable

backfill_max: Final = 1_000
manual_tries_max: Final = 10
_UNSTARTED: Final = frozenset({OccurrenceState.SKIPPED, OccurrenceState.MISSED})
_latest: Final = (2**62, "")
DueTimes = list[Instant]


class Range(Struct, frozen=True, kw_only=True):
    """Which due times shall be filled: both ends included; failed runs too where `failed`."""

    since: Instant
    until: Instant
    failed: bool = False


class RunService:
    """Use cases of occurrences; a schedule is named by its id or its path."""

    def __init__(
        self,
        jobs: Database,
        clock: Clock,
        occurrences: Occurrences,
        folders: FolderService | None = None,
        *,
        history_days: int,
    ) -> None:
        self._database = jobs
        self._history_days = history_days
        self._folders = folders
        self._clock = clock
        self._book = occurrences

    async def list(
        self,
        reference: str,
        page: PageRequest,
        *,
        state: OccurrenceState | None,
        actor: Actor,
    ) -> Page[Occurrence]:
        """Return the occurrences of a schedule, the last due times first."""
        before = after_number_and_text(page) or _latest
        await self._require(reference, Level.READ, actor)

        def use_case(tx: Tx) -> Sequence[Occurrence]:
            schedule = self._schedule(tx, reference)
            return self._book.rows.page(
                tx, schedule.id, before=before, limit=page.limit_plus_one, state=state
            )

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda one: (one.due_at, one.kind))

    async def get(
        self, occurrence_id: str, *, reference: str | None = None, actor: Actor
    ) -> tuple[Occurrence, Schedule | None]:
        """Return an occurrence and its schedule; raises `OccurrenceNotFound`."""
        if reference is not None:
            await self._require(reference, Level.READ, actor)

        def use_case(tx: Tx) -> tuple[Occurrence, Schedule | None]:
            wanted = None if reference is None else self._schedule(tx, reference).id
            found = self._book.rows.find(tx, occurrence_id)
            if found is None or wanted not in {None, found.schedule_id}:
                raise OccurrenceNotFound(occurrence_id)
            return found, self._book.schedules.find(tx, found.schedule_id)

        return await self._database.read(actor.tenant_id, use_case)

    async def run_now(
        self, reference: str, *, actor: Actor, once: Once[Occurrence] | None = None
    ) -> Occurrence:
        """Start a schedule's job now, whatever else runs; it has the rights of its owner."""
        await self._require(reference, Level.RUN, actor)

        def use_case(tx: Tx) -> Occurrence:
            schedule = self._schedule(tx, reference, lock=True)
            made = self._now(tx, schedule)
            self._book.wake(tx, schedule)
            tx.audit("jobs.schedules.run", by=actor, resource=f"schedule:{schedule.path}")
            return made

        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def fillable(self, reference: str, wanted: Range, *, actor: Actor) -> Sequence[Instant]:
        """Return the due times of a range that a backfill would start."""
        await self._require(reference, Level.RUN, actor)
        schedule, dues = await self._range(reference, wanted, actor)

        def use_case(tx: Tx) -> Sequence[Instant]:
            known = self._known(tx, schedule, dues)
            return [due for due in dues if _is_open(known.get(due), wanted)]

        return await self._database.read(actor.tenant_id, use_case)

    async def fill(
        self,
        reference: str,
        wanted: Range,
        *,
        actor: Actor,
        once: Once[DueTimes] | None = None,
    ) -> DueTimes:
        """Have the due times of a range start that have not run; return them."""
        await self._require(reference, Level.RUN, actor)
        schedule, dues = await self._range(reference, wanted, actor)
        return await self._database.write(
            actor.tenant_id, partial(self._fill, schedule.id, dues, wanted, actor), once=once
        )

    def _fill(
        self, schedule_id: str, dues: Sequence[Instant], wanted: Range, actor: Actor, tx: Tx
    ) -> DueTimes:
        schedule = self._schedule(tx, schedule_id, lock=True)
        known = self._known(tx, schedule, dues)
        filled = []
        for due in dues:
            row = known.get(due)
            if not _is_open(row, wanted):
                continue
            if row is None:
                self._book.add(tx, schedule, Planned(due_at=due, through_at=due), Origin.BACKFILL)
            else:
                self._book.reopen(tx, row)
            filled.append(due)
        self._book.wake(tx, schedule)
        tx.audit(
            "jobs.schedules.backfill",
            by=actor,
            resource=f"schedule:{schedule.path}",
            after={
                "since": rfc3339(wanted.since),
                "until": rfc3339(wanted.until),
                "due_times": len(filled),
            },
        )
        return filled

    async def _range(
        self, reference: str, wanted: Range, actor: Actor
    ) -> tuple[Schedule, Sequence[Instant]]:
        if wanted.until < wanted.since:
            raise ScheduleInvalid("until", "it must not be earlier than since.")
        if wanted.since < 0:
            raise ScheduleInvalid("since", "it must not lie before the year 1970.")
        if wanted.until > self._clock.now():
            raise ScheduleInvalid("until", "what is to come starts by itself; name the past.")

        def use_case(tx: Tx) -> tuple[Schedule, Timetable | None]:
            schedule = self._schedule(tx, reference)
            return schedule, self._book.timetable(tx, schedule)

        schedule, timetable = await self._database.read(actor.tenant_id, use_case)
        self._check_remembered(schedule, wanted)
        if timetable is None:
            first = schedule.definition.after[0].path
            raise ScheduleInvalid(
                "schedule_id", f"its due times are those of {first}; fill that one instead."
            )
        dues = await asyncio.to_thread(
            timetable.between, wanted.since, wanted.until, limit=backfill_max + 1
        )
        if len(dues) > backfill_max:
            raise BackfillTooLarge(backfill_max)
        return schedule, dues

    def _check_remembered(self, schedule: Schedule, wanted: Range) -> None:
        """Raise `ScheduleInvalid` when runs of the range may be forgotten, and would run again."""
        oldest = Instant(self._clock.now() - self._history_days * MICROSECONDS_PER_DAY)
        # Nothing is forgotten yet of what was made since.
        if wanted.since < oldest and schedule.created_at < oldest:
            raise ScheduleInvalid(
                "since",
                f"runs are kept for {self._history_days} days (jobs.history_days), and earlier "
                f"ones would run again; begin at {rfc3339(oldest)} or later.",
            )

    def _known(
        self, tx: Tx, schedule: Schedule, dues: Sequence[Instant]
    ) -> dict[Instant, Occurrence]:
        if not dues:
            return {}
        # Asked for each by itself: any number of others, of a denser definition, lie between.
        return self._book.rows.runs(tx, schedule.id, dues)

    def _now(self, tx: Tx, schedule: Schedule) -> Occurrence:
        for microseconds in range(manual_tries_max):
            due = Instant(tx.now + microseconds)
            planned = Planned(due_at=due, through_at=due)
            made = self._book.add(tx, schedule, planned, Origin.MANUAL)
            if made is not None:
                return made
        raise ScheduleInvalid("schedule_id", "it is being run many times at this very instant.")

    async def _require(self, reference: str, wanted: Level, actor: Actor) -> None:
        if self._folders is None:
            return
        schedule = await self._database.read(
            actor.tenant_id, lambda tx: self._schedule(tx, reference)
        )
        await self._folders.require(schedule.path, wanted, actor=actor)

    def _schedule(self, tx: Tx, reference: str, *, lock: bool = False) -> Schedule:
        schedule = self._book.schedules.find(tx, reference.strip("/"), lock=lock)
        if schedule is None:
            raise ScheduleNotFound(reference)
        return schedule


def _is_open(row: Occurrence | None, wanted: Range) -> bool:
    if row is None or row.state in _UNSTARTED:
        return True
    return wanted.failed and row.state is OccurrenceState.FAILED

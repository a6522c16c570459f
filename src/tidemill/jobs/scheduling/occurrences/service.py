"""What happens to occurrences: steps within the transactions of those who fire and settle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor, Role, system
from tidemill.core.authorization import why_denied
from tidemill.core.clock import Instant
from tidemill.core.errors import NotFound
from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity import Identity
from tidemill.jobs.contract import OccurrenceSkipped
from tidemill.jobs.permissions import RUN_JOBS
from tidemill.jobs.schedule_errors import ScheduleOwnerGone
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, CalendarRule
from tidemill.jobs.scheduling.calendars.repository import CalendarRepository
from tidemill.jobs.scheduling.occurrences.deciding import Finding, find
from tidemill.jobs.scheduling.occurrences.models import Kind, Occurrence, OccurrenceState, Origin
from tidemill.jobs.scheduling.occurrences.planning import Planned
from tidemill.jobs.scheduling.occurrences.repository import OccurrenceRepository
from tidemill.jobs.scheduling.schedules.models import Overlap, Schedule, jitter
from tidemill.jobs.scheduling.schedules.repository import ScheduleRepository
from tidemill.jobs.scheduling.schedules.timetables import Timetable
from tidemill.jobs.scheduling.schedules.wakes import Wakes

PROGRAM: Final = UserId("program")
"""Who owns the schedules that a program keeps in its own queue; no user has this id."""
open_max = 200
"""How many occurrences of a schedule are gone through at once."""


class Occurrences:
    """The book of due times. Every change wakes those that wait for it."""

    def __init__(self, wakes: Wakes, identity: Callable[[], Identity | None]) -> None:
        self._wakes = wakes
        self._identity = identity
        self.rows = OccurrenceRepository()
        self.schedules = ScheduleRepository()
        self._calendars = CalendarRepository()

    async def actor(self, schedule: Schedule, tx_tenant: Actor) -> Actor:
        """Return who starts the schedule's jobs: its owner, with the rights of this moment.

        Raises `ScheduleOwnerGone`.
        """
        by = structs.replace(tx_tenant, user_id=schedule.owner.user_id, role=Role.MEMBER)
        identity = self._identity()
        if identity is not None and schedule.owner.user_id != PROGRAM:
            try:
                by = await identity.acting_for(schedule.owner.user_id, by=by)
            except NotFound:
                raise ScheduleOwnerGone("does not belong to this tenant any more") from None
        by = structs.replace(by, scopes=schedule.owner.scopes)
        # As the system itself it would be let in anywhere; it is the person's rights that count.
        refusal = why_denied(by, RUN_JOBS)
        if refusal is not None:
            raise ScheduleOwnerGone(f"may not start jobs any more: {refusal}")
        return by

    def timetable(self, tx: Tx, schedule: Schedule) -> Timetable | None:
        """Return the due times of a schedule; None when they are those of another one."""
        if schedule.definition.follows:
            return None
        return Timetable(schedule.definition, self.rule(tx, schedule), schedule.anchor_at)

    def rule(self, tx: Tx, schedule: Schedule) -> CalendarRule:
        """Return the days of a schedule's calendar."""
        found = self._calendars.rule(tx, schedule.definition.days.calendar)
        # One that is in use cannot be deleted.
        return found or BUILT_IN["every-day"]

    def findings(
        self, tx: Tx, schedule: Schedule, pending: Sequence[Occurrence]
    ) -> list[list[Finding]]:
        """Return what the dependencies of `schedule` have come to for each occurrence."""
        if not schedule.definition.after:
            return [[] for _ in pending]
        awaited = {one.path: one for one in self.schedules.dependencies(tx, schedule.id)}
        tables = {path: self.timetable(tx, one) for path, one in awaited.items()}
        found: list[list[Finding]] = []
        for occurrence in pending:
            row = []
            for dependency in schedule.definition.after:
                other = awaited[dependency.path]
                latest = self.rows.latest(tx, other.id, occurrence.due_at)
                row.append(
                    find(
                        dependency,
                        other,
                        tables[dependency.path],
                        latest,
                        due_at=occurrence.due_at,
                        now=tx.now,
                    )
                )
            found.append(row)
        return found

    def add(
        self, tx: Tx, schedule: Schedule, planned: Planned, origin: Origin = Origin.SCHEDULE
    ) -> Occurrence | None:
        """Write a due time; return None when it has a row already."""
        waits = planned.state is OccurrenceState.PENDING
        late = jitter(schedule.id, planned.due_at, schedule.definition.jitter_seconds)
        occurrence = Occurrence(
            id=tx.new_id(),
            schedule_id=schedule.id,
            kind=Kind.RUN if planned.dues == 1 else Kind.GAP,
            due_at=planned.due_at,
            through_at=planned.through_at,
            dues=planned.dues,
            origin=origin,
            starts_at=Instant(planned.due_at + late) if waits else planned.due_at,
            state=planned.state,
            reason=planned.reason,
            job_id=None,
            created_at=tx.now,
            started_at=None,
            finished_at=None if waits else tx.now,
        )
        if not self.rows.add(tx, occurrence):
            return None
        if not waits:
            self._tell_skipped(tx, schedule, occurrence)
        return occurrence

    def reopen(self, tx: Tx, occurrence: Occurrence) -> None:
        """Let an occurrence that has ended start once more, to fill a range."""
        opened = structs.replace(
            occurrence,
            state=OccurrenceState.PENDING,
            origin=Origin.BACKFILL,
            starts_at=tx.now,
            reason=None,
            job_id=None,
            started_at=None,
            finished_at=None,
        )
        self.rows.change(tx, opened, before=occurrence.state)

    def skip(self, tx: Tx, schedule: Schedule, occurrence: Occurrence, reason: str) -> None:
        """Write that a pending occurrence starts nothing, and why."""
        skipped = structs.replace(
            occurrence, state=OccurrenceState.SKIPPED, reason=reason, finished_at=tx.now
        )
        if self.rows.change(tx, skipped, before=OccurrenceState.PENDING):
            self._tell_skipped(tx, schedule, skipped)

    def skip_surplus(self, tx: Tx, schedule: Schedule) -> None:
        """Skip a portion of what waits beyond `queue_max`, where more waits than one looks at."""
        definition, room = schedule.definition, schedule.definition.waiting_max
        # What waits for others does not wait for the run that is under way.
        in_line = definition.policy is Overlap.QUEUE_ALL and not definition.after
        if in_line and room >= open_max:
            reason = f"a run of this schedule was under way, and {room} waited already"
            for occurrence in self.rows.due_beyond(tx, schedule.id, room, limit=open_max):
                self.skip(tx, schedule, occurrence, reason)

    def end_pending(self, tx: Tx, schedule: Schedule) -> None:
        """Skip all that waits of a schedule that is being deleted."""
        while waiting := self.rows.open(tx, schedule.id, OccurrenceState.PENDING, open_max):
            for occurrence in waiting:
                self.skip(tx, schedule, occurrence, "the schedule was deleted")

    def start(self, tx: Tx, schedule: Schedule, occurrence: Occurrence, job_id: str) -> None:
        """Write which job a pending occurrence has; the caller holds its schedule's lock."""
        started = structs.replace(
            occurrence,
            state=OccurrenceState.STARTED,
            reason=None,
            job_id=job_id,
            started_at=tx.now,
        )
        self.rows.change(tx, started, before=OccurrenceState.PENDING)
        # What waits for it may have said that it has not come due.
        self._wake_dependents(tx, self.schedules.dependents(tx, schedule.id))

    def end(
        self,
        tx: Tx,
        schedule: Schedule,
        occurrence: Occurrence,
        state: OccurrenceState,
        reason: str | None,
    ) -> bool:
        """Write how the job of an occurrence ended; return False when that is written already."""
        ended = structs.replace(occurrence, state=state, reason=reason, finished_at=tx.now)
        if not self.rows.change(tx, ended, before=OccurrenceState.STARTED):
            return False
        self._tell_dependents(tx, schedule, ended)
        self.schedules.wake(tx, [schedule.id])
        tx.after_commit(self._wakes.wake)
        return True

    def wake(self, tx: Tx, schedule: Schedule) -> None:
        """Have the schedule looked at now."""
        self.schedules.wake(tx, [schedule.id])
        tx.after_commit(self._wakes.wake)

    def _tell_skipped(self, tx: Tx, schedule: Schedule, occurrence: Occurrence) -> None:
        tx.record(
            OccurrenceSkipped(
                schedule_id=schedule.id,
                path=schedule.path,
                occurrence_id=occurrence.id,
                due_at=occurrence.due_at,
                through_at=occurrence.through_at,
                dues=occurrence.dues,
                missed=occurrence.state is OccurrenceState.MISSED,
                reason=occurrence.reason or "",
            ),
            by=system("scheduler", tx.tenant_id),
        )
        if occurrence.kind == Kind.RUN:
            self._tell_dependents(tx, schedule, occurrence)

    def _tell_dependents(self, tx: Tx, schedule: Schedule, occurrence: Occurrence) -> None:
        """Let those that run after the schedule see what became of its due time."""
        dependents = self.schedules.dependents(tx, schedule.id)
        for dependent in dependents:
            if _is_led_by(dependent, schedule) and not dependent.paused(tx.now):
                self._follow(tx, dependent, occurrence)
        self._wake_dependents(tx, dependents)

    def _wake_dependents(self, tx: Tx, dependents: Sequence[Schedule]) -> None:
        if len(dependents) > 1:
            # Whoever holds one of them wakes what runs after that one: all take their locks from
            # what is awaited towards what waits, or two of them could wait for each other.
            dependents = awaited_first(dependents, self.schedules.edges(tx))
        if dependents:
            self.schedules.wake(tx, [dependent.id for dependent in dependents])
            tx.after_commit(self._wakes.wake)

    def _follow(self, tx: Tx, dependent: Schedule, occurrence: Occurrence) -> None:
        """Let `dependent` run for the due time; what it skipped, when that is filled again."""
        due, fills = occurrence.due_at, occurrence.origin == Origin.BACKFILL
        origin = Origin.BACKFILL if fills else Origin.SCHEDULE
        made = self.add(tx, dependent, Planned(due_at=due, through_at=due), origin)
        if made is None and fills:
            known = self.rows.runs(tx, dependent.id, [due]).get(due)
            if known is not None and known.state is OccurrenceState.SKIPPED:
                self.reopen(tx, known)


def awaited_first(
    schedules: Sequence[Schedule], edges: Mapping[str, Sequence[str]]
) -> Sequence[Schedule]:
    """Return schedules such that each stands behind all that it waits for, also over others.

    `edges` holds for each path that waits which paths it waits for.
    """
    places = {path: place for place, path in enumerate(TopologicalSorter(edges).static_order())}
    return sorted(schedules, key=lambda one: places.get(one.path, 0))


def _is_led_by(dependent: Schedule, schedule: Schedule) -> bool:
    """Return whether the due times of `dependent` are those of `schedule`."""
    definition = dependent.definition
    if not definition.follows or not dependent.enabled:
        return False
    return definition.after[0].path == schedule.path

"""What one can do with schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock, Instant
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_found
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import ScheduleChanged, ScheduleCreated, ScheduleDeleted
from tidemill.jobs.folders.models import Level, seen_of, visible
from tidemill.jobs.folders.service import FolderService, hidden_by
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.schedule_errors import (
    ScheduleInUse,
    ScheduleInvalid,
    ScheduleNotFound,
    SchedulePathTaken,
    TooManySchedules,
)
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, CalendarRule
from tidemill.jobs.scheduling.calendars.repository import CalendarRepository
from tidemill.jobs.scheduling.schedules.admitting.service import Admission
from tidemill.jobs.scheduling.schedules.checks import (
    check_acyclic,
    first_to_come,
    next_due,
    unknown_dependency,
)
from tidemill.jobs.scheduling.schedules.models import (
    Definition,
    Schedule,
    Sought,
    schedule_path,
)
from tidemill.jobs.scheduling.schedules.repository import ScheduleRepository, renewed_max
from tidemill.jobs.scheduling.schedules.telling import audit, told
from tidemill.jobs.scheduling.schedules.timetables import Timetable
from tidemill.jobs.scheduling.schedules.wakes import Wakes

preview_max: Final = 200
shown_max: Final = 5
_first: Final = PageRequest(limit=200)
_ANY: Final = Sought()
Ends = Callable[[Tx, Schedule], None]
"""Ends what still waits of a schedule that is going."""


class ScheduleService:
    """Use cases of schedules; a schedule is named by its id or its path."""

    def __init__(  # noqa: PLR0913 - what schedules stand on
        self,
        jobs: Database,
        clock: Clock,
        wakes: Wakes,
        *,
        queue: JobService,
        scripts: ScriptService,
        quota: Callable[[Actor], Awaitable[int]],
        ends: Ends,
        folders: FolderService | None = None,
        history_days: int | None = None,
    ) -> None:
        """`history_days` is how long runs are remembered, where a definition can go beyond it."""
        self._folders = folders
        self._ends = ends
        self._database = jobs
        self._clock = clock
        self._wakes = wakes
        self._admission = Admission(
            jobs,
            clock,
            queue=queue,
            scripts=scripts,
            folders=folders,
            paths=self._paths,
            history_days=history_days,
        )
        self._quota = quota
        self._schedules = ScheduleRepository()
        self._calendars = CalendarRepository()

    def now(self) -> Instant:
        """Return the instant by which a schedule rests or not."""
        return self._clock.now()

    async def create(
        self,
        path: str,
        definition: Definition,
        *,
        enabled: bool = True,
        actor: Actor,
        once: Once[Schedule] | None = None,
    ) -> Schedule:
        """Make a schedule. Raises `ScheduleInvalid` and what starting its job would raise."""
        path = schedule_path(path)
        await self._require(path, Level.WRITE, actor)
        owner = await self._admission.admit(definition, actor=actor)
        by, most = actor.user_id or actor.id, await self._quota(actor)

        def use_case(tx: Tx) -> Schedule:
            self._hold_calendar(tx, definition)
            if self._schedules.count(tx, most) >= most:
                raise TooManySchedules(most)
            schedule = Schedule(
                id=tx.new_id(),
                path=path,
                definition=definition,
                owner=owner,
                anchor_at=tx.now,
                next_at=None,
                wake_at=None,
                disabled_at=None if enabled else tx.now,
                paused_at=None,
                paused_until=None,
                failures=0,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            schedule = self._aimed(tx, schedule)
            if not self._schedules.add(tx, schedule):
                raise SchedulePathTaken(path)
            self._tie(tx, schedule)
            tx.record(ScheduleCreated(schedule_id=schedule.id, path=path), by=actor)
            audit(tx, "create", schedule, by=actor, after=schedule.definition)
            tx.after_commit(self._wakes.wake)
            return schedule

        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def get(self, reference: str, *, actor: Actor) -> Schedule:
        """Return a schedule; raises `ScheduleNotFound` and `FolderDenied`."""
        return await self.allowed(reference, Level.READ, actor=actor)

    async def allowed(self, reference: str, wanted: Level, *, actor: Actor) -> Schedule:
        """Return a schedule with which the actor may do that; raises as `get` does."""
        found = await self._database.read(actor.tenant_id, lambda tx: self._found(tx, reference))
        await self._require(found.path, wanted, actor)
        return found

    async def list(
        self,
        page: PageRequest,
        sought: Sought = _ANY,
        *,
        actor: Actor,
    ) -> Page[Schedule]:
        """Return schedules by path."""
        hidden = await hidden_by(self._folders, actor)

        def use_case(tx: Tx) -> list[Schedule]:
            def read(after: str, limit: int) -> list[Schedule]:
                return self._schedules.page(tx, sought, after=after, limit=limit)

            return visible(read, lambda schedule: schedule.path, hidden, page)

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda schedule: (schedule.path,))

    async def to_come(self, schedules: Sequence[Schedule], *, actor: Actor) -> Sequence[Schedule]:
        """Return schedules with the next due time to come, where theirs has passed.

        It has while they rest, and for a moment whenever they come due.
        """
        now = self._clock.now()
        passed = [one for one in schedules if one.next_at is not None and one.next_at <= now]
        if not passed:
            return schedules

        def rules(tx: Tx) -> Sequence[CalendarRule]:
            names = {one.definition.days.calendar: one.definition for one in passed}
            known = {name: self._rule(tx, definition) for name, definition in names.items()}
            return [known[one.definition.days.calendar] for one in passed]

        found = await self._database.read(actor.tenant_id, rules)
        dues = await asyncio.to_thread(
            lambda: {
                one.id: first_to_come(one, rule, now)
                for one, rule in zip(passed, found, strict=True)
            }
        )
        return [structs.replace(one, next_at=dues.get(one.id, one.next_at)) for one in schedules]

    async def replace(
        self,
        reference: str,
        definition: Definition,
        *,
        enabled: bool,
        expected_version: int | None = None,
        actor: Actor,
    ) -> Schedule:
        """Give a schedule another definition; from now on its jobs run with `actor`'s rights."""
        # What is not there is told first, whatever else is wrong.
        await self.allowed(reference, Level.WRITE, actor=actor)
        owner = await self._admission.admit(definition, actor=actor)

        def use_case(tx: Tx) -> Schedule:
            self._hold_calendar(tx, definition)
            before = self._locked(tx, reference, expected_version)
            disabled_at = None if enabled else before.disabled_at or tx.now
            wanted = structs.replace(
                before, definition=definition, owner=owner, disabled_at=disabled_at
            )
            return self._change(tx, before, wanted, "update", by=actor)

        return await self._database.write(actor.tenant_id, use_case)

    async def pause(
        self, reference: str, *, until: Instant | None = None, actor: Actor
    ) -> Schedule:
        """Let a schedule rest; its due times meanwhile are skipped."""
        await self.allowed(reference, Level.WRITE, actor=actor)

        def use_case(tx: Tx) -> Schedule:
            before = self._locked(tx, reference)
            if until is not None and until <= tx.now:
                raise ScheduleInvalid("until", "it must lie in the future.")
            since = before.paused_at if before.paused(tx.now) else tx.now
            wanted = structs.replace(before, paused_at=since, paused_until=until)
            return self._change(tx, before, wanted, "pause", by=actor)

        return await self._database.write(actor.tenant_id, use_case)

    async def resume(self, reference: str, *, actor: Actor) -> Schedule:
        """End a rest now; safe to repeat."""
        await self.allowed(reference, Level.WRITE, actor=actor)

        def use_case(tx: Tx) -> Schedule:
            before = self._locked(tx, reference)
            if not before.paused(tx.now):
                return before
            wanted = structs.replace(before, paused_until=tx.now)
            return self._change(tx, before, wanted, "resume", by=actor)

        return await self._database.write(actor.tenant_id, use_case)

    async def delete(
        self, reference: str, *, expected_version: int | None = None, actor: Actor
    ) -> None:
        """Remove a schedule; its jobs stay, and what waits is skipped. Raises `ScheduleInUse`."""
        await self.allowed(reference, Level.WRITE, actor=actor)
        hidden = await hidden_by(self._folders, actor)

        def use_case(tx: Tx) -> None:
            schedule = self._locked(tx, reference, expected_version)
            self._schedules.change_dependencies_alone(tx)
            if dependents := [one.path for one in self._schedules.dependents(tx, schedule.id)]:
                raise ScheduleInUse(schedule.path, *seen_of(dependents, hidden))
            self._ends(tx, schedule)
            self._schedules.delete(tx, schedule.id)
            tx.record(ScheduleDeleted(schedule_id=schedule.id, path=schedule.path), by=actor)
            audit(tx, "delete", schedule, by=actor, before=schedule.definition)

        await self._database.write(actor.tenant_id, use_case)

    async def upcoming(self, reference: str, *, count: int, actor: Actor) -> Sequence[Instant]:
        """Return the next due times of a schedule; raises as `get` does."""
        schedule = await self.allowed(reference, Level.READ, actor=actor)
        rule = await self._database.read(
            actor.tenant_id, lambda tx: self._rule(tx, schedule.definition)
        )
        return self._next(schedule.definition, rule, schedule.anchor_at, count)

    async def preview(
        self, definition: Definition, *, count: int, actor: Actor
    ) -> Sequence[Instant]:
        """Return the due times that a definition would have from now. Raises as `create`."""
        rule = await self._admission.days_of(definition, actor=actor)
        return self._next(definition, rule, self._clock.now(), count)

    def users_of(self, tx: Tx, calendar: str) -> Sequence[str]:
        """Return the paths of schedules that run by a calendar, in a transaction on its store."""
        found = self._schedules.by_calendar(tx, calendar, _first.limit)
        return [schedule.path for schedule in found]

    def renew(self, tx: Tx, calendar: str, rule: CalendarRule) -> None:
        """Give the schedules that run by a calendar, whose days are new, their next due times."""
        for schedule in self._schedules.by_calendar(tx, calendar, renewed_max, lock=True):
            if schedule.enabled and not schedule.definition.follows:
                due = next_due(schedule, rule, tx.now)
                self._schedules.save(tx, structs.replace(schedule, next_at=due, wake_at=tx.now))
        tx.after_commit(self._wakes.wake)

    def _next(
        self, definition: Definition, rule: CalendarRule, anchor_at: Instant, count: int
    ) -> Sequence[Instant]:
        if definition.follows:
            return []
        found = Timetable(definition, rule, anchor_at).after(self._clock.now())
        return [due for _, due in zip(range(min(count, preview_max)), found, strict=False)]

    async def in_folder(self, name: str, actor: Actor) -> Sequence[str]:
        """Return the paths of the first few schedules in a folder, for who owns all of it."""

        def use_case(tx: Tx) -> list[Schedule]:
            return self._schedules.page(tx, _ANY, after=f"f/{name}/", limit=shown_max)

        found = await self._database.read(actor.tenant_id, use_case)
        return [one.path for one in found if one.path.startswith(f"f/{name}/")]

    async def referring(self, target: str, actor: Actor) -> Sequence[str]:
        """Return the first few schedules that refer to a variable or resource, of any folder.

        Whoever tells them leaves out what the actor may not see.
        """

        def use_case(tx: Tx) -> list[str]:
            return self._schedules.referring(tx, target, shown_max)

        found = await self._database.read(actor.tenant_id, use_case)
        return [f"schedule {path}" for path in found]

    async def _paths(self, actor: Actor, path: str | None) -> Sequence[str]:
        found = await self.list(_first, Sought(path=path), actor=actor)
        return [one.path for one in found.items]

    async def _require(self, path: str, wanted: Level, actor: Actor) -> None:
        if self._folders is not None:
            await self._folders.require(path, wanted, actor=actor)

    def _change(
        self, tx: Tx, before: Schedule, wanted: Schedule, verb: str, *, by: Actor
    ) -> Schedule:
        stamped = wanted.stamped(now=tx.now, by=by.user_id or by.id)
        if verb == "update":
            stamped = self._aimed(tx, stamped)
            self._tie(tx, stamped)
        stamped = structs.replace(stamped, wake_at=tx.now)
        self._schedules.save(tx, stamped)
        tx.record(ScheduleChanged(schedule_id=stamped.id, path=stamped.path, change=verb), by=by)
        audit(tx, verb, stamped, by=by, before=told(before), after=told(stamped))
        tx.after_commit(self._wakes.wake)
        return stamped

    def _aimed(self, tx: Tx, schedule: Schedule) -> Schedule:
        """Return the schedule with its next due time."""
        if not schedule.enabled or schedule.definition.follows:
            return structs.replace(schedule, next_at=None, wake_at=tx.now)
        due = next_due(schedule, self._rule(tx, schedule.definition), tx.now)
        return structs.replace(schedule, next_at=due, wake_at=due)

    def _tie(self, tx: Tx, schedule: Schedule) -> None:
        """Write what the schedule runs after; raises `ScheduleCycle`."""
        ids = []
        if schedule.definition.after:
            self._schedules.change_dependencies_alone(tx)
        for index, dependency in enumerate(schedule.definition.after):
            found = self._schedules.find(tx, dependency.path)
            if found is None or found.path != dependency.path:
                raise unknown_dependency(index, dependency.path, "it went just now.")
            ids.append(found.id)
        if ids:
            names = [dependency.path for dependency in schedule.definition.after]
            check_acyclic(schedule.path, names, self._schedules.edges(tx))
        self._schedules.set_dependencies(tx, schedule.id, ids)

    def _hold_calendar(self, tx: Tx, definition: Definition) -> None:
        """Let nobody change the days of a definition until it is written, nor delete them.

        Before any schedule is locked: whoever changes the days locks them first, too.
        """
        name = definition.days.calendar
        if name not in BUILT_IN and self._calendars.find(tx, name, lock="SHARE") is None:
            raise ScheduleInvalid("days.calendar", f"{name!r} was deleted just now.")

    def _rule(self, tx: Tx, definition: Definition) -> CalendarRule:
        # One that is in use cannot be deleted.
        return self._calendars.rule(tx, definition.days.calendar) or BUILT_IN["every-day"]

    def _found(self, tx: Tx, reference: str, *, lock: bool = False) -> Schedule:
        schedule = self._schedules.find(tx, reference.strip("/"), lock=lock)
        if schedule is None:
            raise ScheduleNotFound(reference)
        return schedule

    def _locked(self, tx: Tx, reference: str, expected_version: int | None = None) -> Schedule:
        schedule = self._found(tx, reference, lock=True)
        check_found(schedule, expected_version)
        return schedule

"""What one can do with schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock, Instant
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import VersionChanged
from tidemill.jobs.calendars.models import BUILT_IN, CalendarRule
from tidemill.jobs.calendars.repository import CalendarRepository, calendars_max
from tidemill.jobs.contract import ScheduleChanged, ScheduleCreated, ScheduleDeleted
from tidemill.jobs.errors import ArgumentsInvalid, ScriptNotFound
from tidemill.jobs.queue.service import JobService
from tidemill.jobs.schedule_errors import (
    ScheduleInUse,
    ScheduleInvalid,
    ScheduleNeedsPerson,
    ScheduleNotFound,
    SchedulePathTaken,
    TooManySchedules,
)
from tidemill.jobs.schedules.checks import advice, calendar_of, check, check_acyclic, first_due
from tidemill.jobs.schedules.models import Definition, Owner, Schedule, schedule_path
from tidemill.jobs.schedules.repository import ScheduleRepository
from tidemill.jobs.schedules.requests import handler_request, job_request, run_argument
from tidemill.jobs.schedules.timetables import Timetable
from tidemill.jobs.schedules.wakes import Wakes
from tidemill.jobs.scripts.service import ScriptService

preview_max: Final = 200
_advised_scripts: Final = PageRequest(limit=200)


class ScheduleService:
    """Use cases of schedules; a schedule is named by its id or its path."""

    def __init__(
        self,
        jobs: Database,
        clock: Clock,
        wakes: Wakes,
        *,
        queue: JobService,
        scripts: ScriptService,
        schedules_max: int,
    ) -> None:
        self._database = jobs
        self._clock = clock
        self._wakes = wakes
        self._queue = queue
        self._scripts = scripts
        self._schedules_max = schedules_max
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
        owner = await self._checked(definition, actor)
        by = actor.user_id or actor.id

        def use_case(tx: Tx) -> Schedule:
            if self._schedules.count(tx, self._schedules_max) >= self._schedules_max:
                raise TooManySchedules(self._schedules_max)
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
            _audit(tx, "create", schedule, by=actor, after=schedule.definition)
            tx.after_commit(self._wakes.wake)
            return schedule

        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def get(self, reference: str, *, actor: Actor) -> Schedule:
        """Return a schedule; raises `ScheduleNotFound`."""
        return await self._database.read(actor.tenant_id, lambda tx: self._found(tx, reference))

    async def list(
        self,
        page: PageRequest,
        *,
        path: str | None = None,
        script_path: str | None = None,
        actor: Actor,
    ) -> Page[Schedule]:
        """Return schedules by path."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[Schedule]:
            return self._schedules.page(
                tx, after=after, limit=page.limit_plus_one, path=path, script_path=script_path
            )

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda schedule: (schedule.path,))

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
        await self.get(reference, actor=actor)
        owner = await self._checked(definition, actor)

        def use_case(tx: Tx) -> Schedule:
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
        """Remove a schedule; its jobs stay. Raises `ScheduleInUse`."""

        def use_case(tx: Tx) -> None:
            schedule = self._locked(tx, reference, expected_version)
            dependents = self._schedules.dependents(tx, schedule.id)
            if dependents:
                raise ScheduleInUse(schedule.path, [one.path for one in dependents])
            self._schedules.delete(tx, schedule.id)
            tx.record(ScheduleDeleted(schedule_id=schedule.id, path=schedule.path), by=actor)
            _audit(tx, "delete", schedule, by=actor, before=schedule.definition)

        await self._database.write(actor.tenant_id, use_case)

    async def upcoming(self, reference: str, *, count: int, actor: Actor) -> Sequence[Instant]:
        """Return the next due times of a schedule."""

        def use_case(tx: Tx) -> tuple[Schedule, CalendarRule]:
            schedule = self._found(tx, reference)
            return schedule, self._rule(tx, schedule.definition)

        schedule, rule = await self._database.read(actor.tenant_id, use_case)
        return self._next(schedule.definition, rule, schedule.anchor_at, count)

    async def preview(
        self, definition: Definition, *, count: int, actor: Actor
    ) -> Sequence[Instant]:
        """Return the due times that a definition would have from now. Raises as `create`."""
        check(definition)
        rule = calendar_of(definition, await self._known_calendars(actor))
        now = self._clock.now()
        first_due(definition, rule, anchor_at=now, now=now)
        return self._next(definition, rule, now, count)

    def users_of(self, tx: Tx, calendar: str) -> Sequence[str]:
        """Return the paths of schedules that run by a calendar, in a transaction on its store."""
        found = self._schedules.by_calendar(tx, calendar, _advised_scripts.limit)
        return [schedule.path for schedule in found]

    def renew(self, tx: Tx, calendar: str, rule: CalendarRule) -> None:
        """Give the schedules that run by a calendar, whose days are new, their next due times."""
        for schedule in self._schedules.by_calendar(tx, calendar, self._schedules_max):
            if schedule.enabled and not schedule.definition.follows:
                due = _next_due(schedule, rule, tx.now)
                self._schedules.save(tx, structs.replace(schedule, next_at=due, wake_at=tx.now))
        tx.after_commit(self._wakes.wake)

    def _next(
        self, definition: Definition, rule: CalendarRule, anchor_at: Instant, count: int
    ) -> Sequence[Instant]:
        if definition.follows:
            return []
        found = Timetable(definition, rule, anchor_at).after(self._clock.now())
        return [due for _, due in zip(range(min(count, preview_max)), found, strict=False)]

    async def _checked(self, definition: Definition, actor: Actor) -> Owner:
        """Return who owns what `actor` defines; raises what would go wrong at a due time."""
        if actor.user_id is None:
            raise ScheduleNeedsPerson
        if (definition.script_path is None) == (definition.function is None):
            raise ScheduleInvalid("script_path", "name what to start: a script or a function.")
        check(definition)
        now = self._clock.now()
        rule = calendar_of(definition, await self._known_calendars(actor))
        first_due(definition, rule, anchor_at=now, now=now)
        try:
            await self._queue.prepare(job_request(definition, now), actor=actor)
        except ScriptNotFound:
            raise await self._unknown_script("script_path", definition.target, actor) from None
        await self._check_handlers(definition, actor)
        return Owner(user_id=actor.user_id, scopes=actor.scopes)

    async def _check_handlers(self, definition: Definition, actor: Actor) -> None:
        for name, handler in definition.handlers.items():
            try:
                await self._queue.prepare(handler_request(handler, {}), actor=actor)
            except ScriptNotFound:
                param = f"{name}.script_path"
                raise await self._unknown_script(param, handler.script_path, actor) from None
            except ArgumentsInvalid as error:
                hint = (
                    " It is given the run's data there: add the parameter to its main."
                    if error.param == f"args.{run_argument}"
                    else ""
                )
                raise ScheduleInvalid(f"{name}.{error.param}", f"{error.message}{hint}") from None

    async def _unknown_script(self, param: str, path: str, actor: Actor) -> ScheduleInvalid:
        known = await self._scripts.list(_advised_scripts, actor=actor)
        near = advice(path.strip("/"), [script.path for script in known.items])
        return ScheduleInvalid(param, f"there is no script {path[:100]!r}; {near}")

    async def _known_calendars(self, actor: Actor) -> Mapping[str, CalendarRule]:
        own = await self._database.read(
            actor.tenant_id, lambda tx: self._calendars.page(tx, after="", limit=calendars_max)
        )
        return {**{calendar.name: calendar.rule for calendar in own}, **BUILT_IN}

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
        _audit(tx, verb, stamped, by=by, before=_told(before), after=_told(stamped))
        tx.after_commit(self._wakes.wake)
        return stamped

    def _aimed(self, tx: Tx, schedule: Schedule) -> Schedule:
        """Return the schedule with its next due time."""
        if not schedule.enabled or schedule.definition.follows:
            return structs.replace(schedule, next_at=None, wake_at=tx.now)
        due = _next_due(schedule, self._rule(tx, schedule.definition), tx.now)
        return structs.replace(schedule, next_at=due, wake_at=due)

    def _tie(self, tx: Tx, schedule: Schedule) -> None:
        """Write what the schedule runs after; raises `ScheduleCycle`."""
        ids = []
        for index, dependency in enumerate(schedule.definition.after):
            found = self._schedules.find(tx, dependency.path)
            if found is None or found.path != dependency.path:
                known = self._schedules.page(tx, after="", limit=200, path=None, script_path=None)
                near = advice(dependency.path, [one.path for one in known if one.id != schedule.id])
                raise ScheduleInvalid(
                    f"after[{index}].path", f"there is no schedule {dependency.path!r}; {near}"
                )
            ids.append(found.id)
        if ids:
            names = [dependency.path for dependency in schedule.definition.after]
            check_acyclic(schedule.path, names, self._schedules.edges(tx))
        self._schedules.set_dependencies(tx, schedule.id, ids)

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
        if expected_version is not None and expected_version != schedule.version:
            raise VersionChanged(expected=expected_version, current=schedule.version)
        return schedule


def _next_due(schedule: Schedule, rule: CalendarRule, now: Instant) -> Instant | None:
    """Return the first due time to come, or that has come and has no row yet."""
    timetable = Timetable(schedule.definition, rule, schedule.anchor_at)
    if schedule.next_at is not None and schedule.next_at <= now:
        return timetable.first_from(schedule.next_at)
    return timetable.first_after(now)


def _told(schedule: Schedule) -> dict[str, object]:
    return {
        "definition": schedule.definition,
        "enabled": schedule.enabled,
        "paused_at": schedule.paused_at,
        "paused_until": schedule.paused_until,
    }


def _audit(
    tx: Tx,
    verb: str,
    schedule: Schedule,
    *,
    by: Actor,
    before: object = None,
    after: object = None,
) -> None:
    tx.audit(
        f"jobs.schedules.{verb}",
        by=by,
        resource=f"schedule:{schedule.path}",
        before=before,
        after=after,
    )

"""Looks up what a definition names before it is let in: none may be missing at a due time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Database
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.errors import ArgumentsInvalid, ScriptNotFound
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.schedule_errors import ScheduleInvalid, ScheduleNeedsPerson
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, CalendarRule
from tidemill.jobs.scheduling.calendars.repository import CalendarRepository, calendars_max
from tidemill.jobs.scheduling.schedules.checks import (
    advice,
    calendar_of,
    check,
    check_fresh,
    first_due,
    unknown_dependency,
)
from tidemill.jobs.scheduling.schedules.models import Definition, Owner
from tidemill.jobs.scheduling.schedules.requests import handler_request, job_request, run_argument

_advised: Final = PageRequest(limit=200)
Paths = Callable[[Actor, str | None], Awaitable[Sequence[str]]]
"""Returns the paths of the first schedules that an actor may read, or that one alone."""


class Admission:
    """Tells whoever defines a schedule at once what would go wrong at a due time."""

    def __init__(  # noqa: PLR0913 - what it asks
        self,
        jobs: Database,
        clock: Clock,
        *,
        queue: JobService,
        scripts: ScriptService,
        folders: FolderService | None,
        paths: Paths,
        history_days: int | None,
    ) -> None:
        self._database = jobs
        self._clock = clock
        self._queue = queue
        self._scripts = scripts
        self._folders = folders
        self._paths = paths
        self._history_days = history_days
        self._calendars = CalendarRepository()

    async def admit(self, definition: Definition, *, actor: Actor) -> Owner:
        """Return who owns what `actor` defines.

        Raises `ScheduleInvalid`, `ScheduleNeedsPerson` and what starting its job would raise.
        """
        if actor.user_id is None:
            raise ScheduleNeedsPerson
        if (definition.script_path is None) == (definition.function is None):
            raise ScheduleInvalid("script_path", "name what to start: a script or a function.")
        await self.days_of(definition, actor=actor)
        try:
            await self._queue.prepare(job_request(definition, self._clock.now()), actor=actor)
        except ScriptNotFound:
            raise await self._unknown_script("script_path", definition.target, actor) from None
        await self._check_handlers(definition, actor)
        await self._check_after(definition, actor)
        return Owner(user_id=actor.user_id, scopes=actor.scopes)

    async def days_of(self, definition: Definition, *, actor: Actor) -> CalendarRule:
        """Return the days on which a definition fires; raises `ScheduleInvalid` if on none."""
        check(definition)
        if self._history_days is not None:
            check_fresh(definition, self._history_days)
        rule = calendar_of(definition, await self._known_calendars(actor))
        now = self._clock.now()
        first_due(definition, rule, anchor_at=now, now=now)
        return rule

    async def _check_handlers(self, definition: Definition, actor: Actor) -> None:
        for name, handler in definition.handlers.items():
            try:
                await self._queue.prepare(handler_request(handler, {}), actor=actor)
            except ScriptNotFound:
                param, path = f"{name}.script_path", handler.script_path or ""
                raise await self._unknown_script(param, path, actor) from None
            except ArgumentsInvalid as error:
                hint = (
                    " It is given the run's data there: add the parameter to its main."
                    if error.param == f"args.{run_argument}"
                    else ""
                )
                raise ScheduleInvalid(f"{name}.{error.param}", f"{error.message}{hint}") from None

    async def _check_after(self, definition: Definition, actor: Actor) -> None:
        for index, path in enumerate(one.path for one in definition.after):
            if self._folders is not None:
                await self._folders.require(path, Level.READ, actor=actor)
            if not await self._paths(actor, path):
                near = advice(path, await self._paths(actor, None))
                raise unknown_dependency(index, path, near)

    async def _unknown_script(self, param: str, path: str, actor: Actor) -> ScheduleInvalid:
        known = await self._scripts.list(_advised, actor=actor)
        near = advice(path.strip("/"), [script.path for script in known.items])
        return ScheduleInvalid(param, f"there is no script {path[:100]!r}; {near}")

    async def _known_calendars(self, actor: Actor) -> Mapping[str, CalendarRule]:
        own = await self._database.read(
            actor.tenant_id, lambda tx: self._calendars.page(tx, after="", limit=calendars_max)
        )
        return {**{calendar.name: calendar.rule for calendar in own}, **BUILT_IN}

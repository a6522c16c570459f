"""Puts together what belongs to schedules."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.core.module import Parts, Reaction
from tidemill.identity import IDENTITY
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobFinished
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.scheduling.calendars.routes import ROUTES as CALENDAR_ROUTES
from tidemill.jobs.scheduling.calendars.service import CalendarService
from tidemill.jobs.scheduling.firing.scheduler import Scheduler
from tidemill.jobs.scheduling.firing.service import Firing
from tidemill.jobs.scheduling.occurrences.service import Occurrences
from tidemill.jobs.scheduling.reasons.routes import ROUTES as REASON_ROUTES
from tidemill.jobs.scheduling.reasons.service import ReasonService
from tidemill.jobs.scheduling.schedule_runs.routes import ROUTES as RUN_ROUTES
from tidemill.jobs.scheduling.schedule_runs.service import RunService
from tidemill.jobs.scheduling.schedules.routes import ROUTES as SCHEDULE_ROUTES
from tidemill.jobs.scheduling.schedules.service import ScheduleService
from tidemill.jobs.scheduling.schedules.wakes import Wakes
from tidemill.jobs.scheduling.settling.service import Settling
from tidemill.settings import SETTINGS

ROUTES = (*SCHEDULE_ROUTES, *RUN_ROUTES, *CALENDAR_ROUTES, *REASON_ROUTES)


class Schedules:
    """The services of schedules, for the module of jobs."""

    def __init__(
        self, parts: Parts, queue: JobService, scripts: ScriptService, folders: FolderService
    ) -> None:
        settings = parts.get(SETTINGS)
        self._clock = parts.clock
        self._history_days = parts.config.jobs.history_days
        self._wakes = Wakes(parts.bus)
        occurrences = Occurrences(self._wakes, parts.late(IDENTITY))
        self._firing = Firing(parts.jobs, queue, occurrences)
        self._settling = Settling(parts.jobs, parts.clock, queue, occurrences)
        schedules = ScheduleService(
            parts.jobs,
            parts.clock,
            self._wakes,
            queue=queue,
            scripts=scripts,
            quota=lambda actor: settings.get_for("jobs.schedules_per_tenant_max", actor),
            ends=occurrences.end_pending,
            folders=folders,
            history_days=self._history_days,
        )
        folders.on_delete(schedules.in_folder)
        runs = RunService(
            parts.jobs, parts.clock, occurrences, folders, history_days=self._history_days
        )
        self.referring = schedules.referring
        self.dependencies: dict[str, object] = {
            "schedules": schedules,
            "schedule_runs": runs,
            "job_reasons": ReasonService(parts.jobs, queue, runs),
            "calendars": CalendarService(
                parts.jobs, users=schedules.users_of, renew=schedules.renew, folders=folders
            ),
        }
        self.reactions = (
            Reaction(name="jobs.schedules", facts=(JobFinished,), react=self._settling.react),
        )

    def scheduler(self, *, leads: Callable[[], bool]) -> Scheduler:
        """Return the service that fires schedules while this process leads."""
        return Scheduler(
            self._firing,
            self._settling,
            self._wakes,
            self._clock,
            leads=leads,
            history_days=self._history_days,
        )

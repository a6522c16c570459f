"""Books the time of jobs on their items, in projects that want it."""

from __future__ import annotations

from tidemill.board.contract import WorkItemId
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.job_times.models import TimeSettings, changed, job_span
from tidemill.board.job_times.repository import TimeSettingsRepository
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import require
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.time_contract import JobTime, TimeEntryState
from tidemill.board.time_tracking import journal
from tidemill.board.time_tracking.models import TimeSource, owner_of
from tidemill.board.time_tracking.service import Owner, TimeKeeping
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version


class JobTimeService:
    """Use cases of what holds for the time of a project."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._settings = TimeSettingsRepository()

    async def get(self, project: str, *, actor: Actor) -> TimeSettings:
        """Return what holds for a project; raises `ProjectNotFound`."""

        def use_case(tx: Tx) -> TimeSettings:
            return self._settings.find(tx, self._living(tx, project).id)

        return await self._tenants.read(actor, use_case)

    async def put(
        self,
        project: str,
        *,
        books_jobs: bool,
        if_match: int | None,
        actor: Actor,
        once: Once[TimeSettings] | None = None,
    ) -> TimeSettings:
        """Say whether a project books the time of jobs that end from now on.

        Raises `ProjectNotFound`, `VersionChanged` and `ProjectIsArchived`.
        """

        def use_case(tx: Tx) -> TimeSettings:
            found = self._living(tx, project, lock=True)
            require(tx, found.id, ProjectRole.OWNER, by=actor)
            old = self._settings.find(tx, found.id)
            check_version(old.version, if_match)
            if found.archived_at is not None:
                raise ProjectIsArchived(found.key)
            new = changed(old, books_jobs=books_jobs, at=tx.now, by=owner_of(actor))
            if new is old:
                return old
            self._settings.save(tx, new)
            tx.audit(
                "board.time_settings.update",
                by=actor,
                resource=f"project:{found.id}",
                before={"books_jobs": old.books_jobs},
                after={"books_jobs": new.books_jobs},
            )
            return new

        return await self._tenants.write(actor, use_case, once=once)

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        return project


class JobBooking:
    """Fills the port `JOB_TIMES`; writes in the caller's transaction."""

    def __init__(self) -> None:
        self._keeping = TimeKeeping()
        self._items = WorkItemRepository()
        self._settings = TimeSettingsRepository()

    def book(
        self, tx: Tx, item_id: WorkItemId, job: JobTime, *, by: Actor
    ) -> TimeEntryState | None:
        """Book the time of a job that has ended, once; None where nothing is booked."""
        item = self._items.find(tx, item_id, lock="parent")
        if item is None or item.deleted_at is not None:
            return None
        if item.project_archived_at is not None or item.archived_at is not None:
            return None
        if not self._settings.find(tx, item.project_id).books_jobs:
            return None
        owner = self._keeping.member(tx, job.user_id) or Owner(job.user_id, None)
        entry = self._keeping.made(
            tx,
            item,
            owner,
            job_span(job.started_at, job.finished_at),
            job.description,
            by=by,
            source=TimeSource.JOB,
            job_id=job.id,
        )
        if not self._keeping.entries.add_for_job(tx, entry):
            return None
        journal.created(tx, entry, by=by)
        return entry.state()

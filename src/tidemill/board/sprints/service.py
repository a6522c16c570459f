"""What one can do with sprints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from tidemill.board.contract import FieldChange, ProjectId, SprintId
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.sprint_errors import (
    CarriedOverToItself,
    SprintChanged,
    SprintHoldsItems,
    SprintNotFound,
    SprintRuns,
)
from tidemill.board.sprint_facts import SprintCreated, SprintDeleted, SprintUpdated
from tidemill.board.sprint_scope.models import OpenSprint
from tidemill.board.sprint_scope.service import SprintScope
from tidemill.board.sprints.burndown import Burndown, Span, burndown
from tidemill.board.sprints.models import (
    Ending,
    NewSprint,
    Sprint,
    SprintChanges,
    SprintStatus,
    changed,
    date_of,
    differences,
    new_sprint,
    next_version,
    stepped,
)
from tidemill.board.sprints.repository import SprintRepository
from tidemill.board.texts import is_uuid
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_texts
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class ItemsInSprints(Protocol):
    """What work items do for the sprints that they lie in."""

    def holds(self, tx: Tx, sprint_id: SprintId) -> bool:
        """Return whether a living item lies in the sprint."""
        ...

    def carry_over(self, tx: Tx, sprint_id: SprintId, to: OpenSprint | None, *, by: Actor) -> int:
        """Move what is not done to the sprint `to`, or the backlog; return how many items."""
        ...


class SprintService:
    """Use cases of sprints; `parallel` says whether an actor's tenant wants several at a time."""

    def __init__(
        self,
        tenants: Database,
        limits: BoardLimits,
        items: ItemsInSprints,
        *,
        parallel: Callable[[Actor], Awaitable[bool]],
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._items = items
        self._parallel = parallel
        self._sprints = SprintRepository()
        self._projects = ProjectRepository()
        self._scope = SprintScope()

    async def plan(
        self, new: NewSprint, *, actor: Actor, once: Once[Sprint] | None = None
    ) -> Sprint:
        """Make a planned sprint in an active project."""

        def use_case(tx: Tx) -> Sprint:
            project = self._project(tx, new.project)
            if project.archived_at is not None:
                raise ProjectIsArchived(project.key)
            ids = (SprintId(tx.new_id()), project.id)
            sprint = new_sprint(new, ids, (tx.now, actor.user_id or actor.id), self._limits)
            self._sprints.add(tx, sprint)
            tx.record(SprintCreated(sprint=sprint.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "create", sprint, by=actor, after=sprint.state())
            return sprint

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, sprint_id: str, *, actor: Actor) -> Sprint:
        """Return a sprint; raises `SprintNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._living(tx, sprint_id))

    async def list(
        self, project: str, page: PageRequest, *, status: SprintStatus | None, actor: Actor
    ) -> Page[Sprint]:
        """Return the sprints of a project, the latest start first."""
        after = after_texts(page)

        def use_case(tx: Tx) -> list[Sprint]:
            project_id = self._project(tx, project).id
            return self._sprints.page(
                tx, project_id, status=status, after=after, limit=page.limit_plus_one
            )

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda sprint: (sprint.start_date, sprint.id))

    async def change(
        self,
        sprint_id: str,
        changes: SprintChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Sprint] | None = None,
    ) -> Sprint:
        """Change name, goal or dates of a sprint that has not ended."""

        def use_case(tx: Tx) -> Sprint:
            sprint = self._living(tx, sprint_id, lock=True)
            expected.check(sprint.version, SprintChanged)
            wanted = changed(sprint, changes, self._limits)
            return sprint if wanted == sprint else self._save(tx, sprint, wanted, by=actor)

        return await self._tenants.write(actor, use_case, once=once)

    async def start(
        self,
        sprint_id: str,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Sprint] | None = None,
    ) -> Sprint:
        """Begin a planned sprint; what it holds now is what was committed.

        Raises `SprintStep`, and `SprintRuns` while another one of the project is active.
        """
        parallel = await self._parallel(actor)

        def use_case(tx: Tx) -> Sprint:
            # The project's row is the lock under which two cannot begin at once.
            project = self._living(tx, sprint_id).project_id
            self._projects.find(tx, project, lock=True)
            sprint = self._living(tx, sprint_id, lock=True)
            expected.check(sprint.version, SprintChanged)
            wanted = stepped(sprint, SprintStatus.ACTIVE, at=tx.now)
            running = None if parallel else self._sprints.active(tx, sprint.project_id)
            if running is not None:
                raise SprintRuns(running.name)
            return self._save(tx, sprint, wanted, by=actor)

        return await self._tenants.write(actor, use_case, once=once)

    async def end(
        self,
        sprint_id: str,
        status: SprintStatus,
        unfinished_to: str | None,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Ending] | None = None,
    ) -> Ending:
        """Complete or cancel a sprint; what is not done goes to another one or the backlog.

        Sprint and items change in one transaction, and the report of the sprint is kept as it is.
        Raises `SprintStep`, `CarriedOverToItself` and what `SprintScope.enterable` raises.
        """

        def use_case(tx: Tx) -> Ending:
            sprint = self._living(tx, sprint_id, lock=True)
            expected.check(sprint.version, SprintChanged)
            wanted = stepped(sprint, status, at=tx.now)
            to = None
            if unfinished_to is not None:
                to = self._next(tx, sprint, unfinished_to)
            carried_over = self._items.carry_over(tx, sprint.id, to, by=actor)
            report = self._burndown(tx, wanted)
            wanted = structs.replace(wanted, snapshot=msgspec.json.encode(report).decode())
            ended = self._save(tx, sprint, wanted, by=actor)
            return Ending(ended, carried_over, to.id if to else None)

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, sprint_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Delete a sprint that holds no items; raises `SprintHoldsItems`."""

        def use_case(tx: Tx) -> None:
            sprint = self._living(tx, sprint_id, lock=True)
            expected.check(sprint.version, SprintChanged)
            if self._items.holds(tx, sprint.id):
                raise SprintHoldsItems(sprint.name, sprint.status)
            by = actor.user_id or actor.id
            deleted = structs.replace(next_version(sprint, at=tx.now, by=by), deleted_at=tx.now)
            if not self._sprints.save(tx, deleted):
                raise SprintChanged(sprint.version, deleted.version)
            tx.record(
                SprintDeleted(
                    sprint_id=sprint.id, project_id=sprint.project_id, user_id=actor.user_id
                ),
                by=actor,
            )
            _audit(tx, "delete", sprint, by=actor, before=sprint.state())

        await self._tenants.write(actor, use_case)

    async def burndown(self, sprint_id: str, *, actor: Actor) -> tuple[Sprint, Burndown]:
        """Return a sprint with its course so far, or as it was at its end."""

        def use_case(tx: Tx) -> tuple[Sprint, Burndown]:
            sprint = self._living(tx, sprint_id)
            if sprint.snapshot is not None:
                return sprint, msgspec.json.decode(sprint.snapshot, type=Burndown)
            return sprint, self._burndown(tx, sprint)

        return await self._tenants.read(actor, use_case)

    def _burndown(self, tx: Tx, sprint: Sprint) -> Burndown:
        project = self._project(tx, sprint.project_id)
        span = Span(
            start=date_of(sprint.start_date),
            end=date_of(sprint.end_date),
            started_at=sprint.started_at,
            ended_at=sprint.ended_at,
        )
        events = self._scope.events(tx, sprint.id)
        return burndown(events, span, zone=ZoneInfo(project.time_zone), now=tx.now)

    def _next(self, tx: Tx, sprint: Sprint, reference: str) -> OpenSprint:
        if reference == sprint.id:
            raise CarriedOverToItself
        return self._scope.enterable(
            tx, reference, ProjectId(sprint.project_id), param="unfinished_to"
        )

    def _project(self, tx: Tx, reference: str) -> Project:
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        return project

    def _living(self, tx: Tx, reference: str, *, lock: bool = False) -> Sprint:
        found = (
            self._sprints.find(tx, SprintId(reference), lock=lock) if is_uuid(reference) else None
        )
        project = self._projects.find(tx, found.project_id) if found is not None else None
        if found is None or project is None or project.deleted_at is not None:
            raise SprintNotFound(reference)
        if lock and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return found

    def _save(self, tx: Tx, old: Sprint, new: Sprint, *, by: Actor) -> Sprint:
        fields = differences(old, new)
        saved = next_version(new, at=tx.now, by=by.user_id or by.id)
        if not self._sprints.save(tx, saved):
            raise SprintChanged(old.version, saved.version)
        tx.record(SprintUpdated(sprint=saved.state(), changes=fields, user_id=by.user_id), by=by)
        _audit(tx, "update", saved, by=by, before=_values(fields, 0), after=_values(fields, 1))
        return saved


def _values(fields: tuple[FieldChange, ...], which: int) -> dict[str, str | None]:
    return {field.field_name: (field.old_value, field.new_value)[which] for field in fields}


def _audit(tx: Tx, verb: str, sprint: Sprint, *, by: Actor, **values: Any) -> None:
    tx.audit(f"board.sprints.{verb}", by=by, resource=f"sprint:{sprint.id}", **values)

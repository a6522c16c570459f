"""What a model is told of a project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from tidemill.board.errors import ProjectNotFound
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_briefs.entries import (
    change_entry,
    head,
    item_entry,
    sprint_entries,
    status_entries,
)
from tidemill.board.project_briefs.models import (
    Brief,
    Section,
    bytes_per_token,
    estimate,
    fitted,
)
from tidemill.board.project_briefs.repository import (
    BLOCKING,
    DUE,
    IN_SPRINT,
    OTHERS,
    UNASSIGNED,
    BriefRepository,
)
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.sprints.burndown import day_of
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx

soon_days: Final = 7
_changes_max: Final = 20
_sprints_max: Final = 5
_entries_max: Final = 1_000
# No line of an item is shorter: more of them would not fit.
_entry_bytes_min: Final = 24

_Rows = Sequence[Sequence[Any]]


class ProjectBriefService:
    """Briefs of projects; a project is named by its id or its key."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._briefs = BriefRepository()
        self._workflows = Workflows()

    async def of_project(self, reference: str, *, budget_tokens: int, actor: Actor) -> Brief:
        """Return what matters in a project, in at most `budget_tokens`; raises `ProjectNotFound`.

        The same project in the same state on the same day gives the same text.
        """

        def use_case(tx: Tx) -> Brief:
            project = self._projects.find(tx, reference)
            if project is None or project.deleted_at is not None:
                raise ProjectNotFound(reference)
            return self._brief(tx, project, budget_tokens)

        return await self._tenants.read(actor, use_case)

    def _brief(self, tx: Tx, project: Project, budget_tokens: int) -> Brief:
        zone = ZoneInfo(project.time_zone)
        today = day_of(tx.now, zone)
        rows = self._briefs.open_items(
            tx,
            project.id,
            soon=str(today + timedelta(days=soon_days)),
            per_part=min(_entries_max, budget_tokens * bytes_per_token // _entry_bytes_min),
        )
        begin = head(project, str(today), self._briefs.counts(tx, project.id))
        sections = self._sections(tx, project, rows)
        text, told = fitted(begin, sections, budget_tokens=budget_tokens)
        return Brief(
            project_id=project.id,
            project_key=project.key,
            version=project.version,
            budget_tokens=budget_tokens,
            estimated_tokens=estimate(text),
            text=text,
            sections=told,
        )

    def _sections(self, tx: Tx, project: Project, rows: _Rows) -> list[Section]:
        zone = ZoneInfo(project.time_zone)
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        statuses = status_entries(workflow)
        sprints = sprint_entries(self._briefs.active_sprints(tx, project.id, limit=_sprints_max))
        changes = self._briefs.changes(tx, project.id, limit=_changes_max)
        blocked = self._briefs.blocked_keys(tx, project.id)

        def items(part: int, name: str, heading: str, before: Sequence[str] = ()) -> Section:
            own = [row for row in rows if row[0] == part]
            lines = (item_entry(project.key, row, blocked.get(row[3], ())) for row in own)
            total = len(before) + (own[0][1] if own else 0)
            return Section(name=name, heading=heading, entries=(*before, *lines), total=total)

        return [
            items(BLOCKING, "blocking", "Open items that block others"),
            items(IN_SPRINT, "active_sprint", "Active sprint", sprints),
            Section(
                name="recent_changes",
                heading="Latest changes, newest first",
                entries=tuple(change_entry(project.key, row, zone) for row in changes),
                total=len(changes),
            ),
            items(DUE, "due_soon", f"Overdue, or due within {soon_days} days"),
            items(UNASSIGNED, "unassigned", "Open items for nobody yet"),
            items(OTHERS, "others", "Other open items"),
            Section(
                name="statuses",
                heading="Statuses: what each means -> where it leads",
                entries=statuses,
                total=len(statuses),
            ),
        ]

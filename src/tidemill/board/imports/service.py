"""Imports a backlog in one transaction, or reports why not.

It is planned before the transaction, and planned again there when the project has changed.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec import Struct, structs

from tidemill.board.activities.service import History
from tidemill.board.blocking.service import Blocking
from tidemill.board.contract import WorkItemId
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.imports.attaching.service import Attaching
from tidemill.board.imports.mapping import read_backlog
from tidemill.board.imports.models import (
    Backlog,
    ImportMode,
    ImportRejected,
    ImportReport,
    ImportStatus,
    Outcome,
    Reading,
    RowReport,
)
from tidemill.board.imports.planning import Plan, Planned, World, plan
from tidemill.board.imports.repository import ImportRepository
from tidemill.board.item_kinds.models import USUAL, Kinds
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.labels.models import ItemLabel, by_name, joined_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import require
from tidemill.board.project_access.whole import whole
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.ranking.service import Ranking
from tidemill.board.texts import item_key, name_key
from tidemill.board.work_items.changes import entered
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.limiting.service import WipLimits
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Workflow
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx

rows_at_once_max: Final = 200


class ImportOptions(Struct, frozen=True, kw_only=True):
    """Whether to import at all, and what to do when rows are wrong."""

    dry_run: bool = False
    mode: ImportMode = ImportMode.ALL_OR_NOTHING
    reading: Reading = Reading()


class ImportService:
    """Use cases of imports."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._projects = ProjectRepository()
        self._items = WorkItemRepository()
        self._ranking = Ranking()
        self._imports = ImportRepository()
        self._history = History()
        self._attaching = Attaching()
        self._blocking = Blocking()
        self._labelling = Labelling(limits)
        self._fields = CustomFieldRepository()
        self._custom_values = CustomValues()
        self._workflows = Workflows()
        self._kinds = ItemKinds()
        self._wip_limits = WipLimits()

    async def import_file(
        self,
        reference: str,
        data: bytes,
        options: ImportOptions,
        *,
        actor: Actor,
        once: Once[ImportReport] | None = None,
    ) -> ImportReport:
        """Make the rows of a file items of the project `reference`.

        Rows that were imported before, by their id in the file, are left alone. Raises
        `ImportUnreadable`, `ImportTooLarge`, and `ImportRejected` when rows are wrong and the
        mode is `all_or_nothing`; a dry run reports them instead. Who may not change the project
        is told by `ProjectRoleNeeded` before the file is looked at.
        """
        workflow, kinds = await self._tenants.read(
            actor, lambda tx: self._rules_of(tx, reference, actor)
        )
        # Reading and planning thousands of rows would hold up every other request of this process.
        reading = options.reading
        read = await asyncio.to_thread(read_backlog, data, self._limits, workflow, reading, kinds)
        if options.dry_run:
            return await self._check(reference, read, options, actor=actor)
        world = await self._tenants.read(actor, lambda tx: self._world_of(tx, reference, read))
        planned = None if world is None else await asyncio.to_thread(self._plan, read, world)

        def use_case(tx: Tx) -> ImportReport:
            if any(draft.links for draft in read.drafts):
                self._attaching.lock(tx)
            project = self._project(tx, reference, lock=True)
            current = self._workflows.of(tx, project.id, project.workflow_id)
            kinds_now = self._kinds.of(tx, project.kinds_id)
            backlog = (
                read
                if (current, kinds_now) == (workflow, kinds)
                else read_backlog(data, self._limits, current, reading, kinds_now)
            )
            now = self._world(tx, project, backlog, lock=True)
            # What the rows refer to has hardly ever changed since it was looked at.
            is_planned = planned is not None and backlog is read and now == world
            made = planned if planned is not None and is_planned else self._plan(backlog, now)
            if made.wrong and options.mode is ImportMode.ALL_OR_NOTHING:
                raise ImportRejected(
                    _report(project, backlog, made, ImportStatus.REJECTED, options.mode)
                )
            there = self._titles_there(tx, project, backlog)
            made, comments = self._insert(tx, (project, current), made, by=actor)
            report = _report(project, backlog, made, ImportStatus.IMPORTED, options.mode)
            report = structs.replace(
                report,
                comments_created=comments,
                dependencies_created=len(made.links),
                titles_there_already=there,
            )
            _audit(tx, report, by=actor)
            return report

        return await self._tenants.write(actor, use_case, once=once)

    async def _check(
        self, reference: str, backlog: Backlog, options: ImportOptions, *, actor: Actor
    ) -> ImportReport:
        def look(tx: Tx) -> tuple[Project, World, int]:
            project = self._project(tx, reference)
            there = self._titles_there(tx, project, backlog)
            return project, self._world(tx, project, backlog), there

        project, world, there = await self._tenants.read(actor, look)
        made = await asyncio.to_thread(self._plan, backlog, world)
        report = _report(project, backlog, made, ImportStatus.CHECKED, options.mode)
        return structs.replace(report, titles_there_already=there)

    def _titles_there(self, tx: Tx, project: Project, backlog: Backlog) -> int:
        """Return how many titles of rows without an id are those of items of the project."""
        titles = {draft.title for draft in backlog.drafts if draft.external_id is None}
        return self._imports.count_titles(tx, project.id, titles) if titles else 0

    def _plan(self, backlog: Backlog, world: World) -> Plan:
        return plan(backlog, world, self._limits.dependencies_per_item_max)

    def _rules_of(self, tx: Tx, reference: str, actor: Actor) -> tuple[Workflow, Kinds]:
        """Return the workflow of a project that `actor` may change, and the tenant's kinds.

        Without the project they are the usual ones: the import tells later.
        """
        project = self._projects.find(tx, reference)
        if project is None:
            return DEFAULT_WORKFLOW, USUAL
        # Before anything is read: planning is costly, and tells what is in the project.
        require(tx, project.id, ProjectRole.EDITOR, by=actor)
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        return workflow, self._kinds.of(tx, project.kinds_id)

    def _world_of(self, tx: Tx, reference: str, backlog: Backlog) -> World | None:
        """Return what the rows refer to; None without a project, of which the import tells."""
        project = self._projects.find(tx, reference)
        return None if project is None else self._world(tx, project, backlog)

    def _project(self, tx: Tx, reference: str, *, lock: bool = False) -> Project:
        project = self._projects.find(tx, reference, lock=lock)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        if project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return project

    def _world(self, tx: Tx, project: Project, backlog: Backlog, *, lock: bool = False) -> World:
        drafts = backlog.drafts
        custom = {key for draft in drafts for key, _ in draft.custom}
        fields = self._fields.named(tx, project.id, custom, demanding=True, lock=lock)
        external_ids = {draft.external_id for draft in drafts if draft.external_id}
        parents = {draft.parent for draft in drafts if draft.parent}
        # An id of another tool may look like a key of this board, and does not mean it.
        keys = {key for parent in parents if not backlog.prefix and (key := item_key(parent))}
        numbers = {number for key, number in keys if key == project.key}
        scope = (project.id, project.key)
        names_people = any(draft.assignee for draft in drafts) or any(
            field.field_type is FieldType.USER for field in fields
        )
        by_external_id = self._imports.by_external_ids(
            tx, scope, sorted(external_ids | {backlog.prefix + parent for parent in parents})
        )
        by_key = {
            **self._imports.by_former_keys(tx, scope, keys),
            **self._imports.by_numbers(tx, scope, sorted(numbers)),
        }
        # What is above rows may have an order of its own, which their links must not turn round.
        known = (*by_external_id.values(), *by_key.values()) if parents else ()
        is_linked = bool(known) and any(draft.links for draft in drafts)
        after = self._blocking.following(tx, {each.id for each in known}) if is_linked else ()
        return World(
            project_id=project.id,
            by_external_id=by_external_id,
            by_key=by_key,
            members=self._imports.members(whole(tx), project.id) if names_people else (),
            after=frozenset(after),
            kinds=self._kinds.of(tx, project.kinds_id),
            custom_fields=fields,
        )

    def _insert(
        self, tx: Tx, into: tuple[Project, Workflow], made: Plan, *, by: Actor
    ) -> tuple[Plan, int]:
        """Insert what `made` plans; return it with new ids and keys, and the count of comments."""
        if not made.planned:
            return made, 0
        project, workflow = into
        numbers = self._projects.take_numbers(tx, project.id, len(made.planned))
        if numbers is None:
            raise ProjectIsArchived(project.key)
        ids = {row.draft.line: WorkItemId(tx.new_id()) for row in made.planned}
        at = {row.draft.line: place for place, row in enumerate(made.planned)}
        ranks = self._ranking.at_the_end(tx, project.id, len(made.planned))
        author = by.user_id or by.id
        items: dict[int, WorkItem] = {}
        names = {name for row in made.planned for name in row.draft.labels}
        labels = self._labelling.found_or_made(tx, project.id, sorted(names), by=by)
        rows = made.parents_first()
        # Each portion is a wait for the database, in which the process does other work.
        for start in range(0, len(rows), rows_at_once_max):
            made_of = {
                row.draft.line: _item(
                    tx,
                    row,
                    (ids, structs.replace(numbers, first=numbers.first + at[row.draft.line])),
                    ranks[at[row.draft.line]],
                    author,
                    by_name({labels[name_key(name)] for name in row.draft.labels}),
                )
                for row in rows[start : start + rows_at_once_max]
            }
            portion = {
                line: entered(item, None, workflow=workflow, at=tx.now)
                for line, item in made_of.items()
            }
            self._items.add_all(tx, portion.values())
            self._labelling.save_all(tx, portion.values())
            self._custom_values.save_all(tx, portion.values())
            self._history.imported(tx, [item.state() for item in portion.values()], by=by)
            items |= portion
        comments = self._attaching.comment(tx, made.planned, items, by=by)
        self._attaching.join(tx, made.links, items, by=by)
        # Last of all that waits for others.
        self._wip_limits.hold_all(tx, items.values())
        rows_made = tuple(_created(row, items.get(row.line)) for row in made.rows)
        return structs.replace(made, rows=rows_made), comments


def _item(
    tx: Tx,
    row: Planned,
    place: tuple[dict[int, WorkItemId], Numbers],
    rank: str,
    author: str,
    labels: tuple[ItemLabel, ...],
) -> WorkItem:
    ids, numbers = place
    draft = row.draft
    parent_id = row.parent_id if row.parent_line is None else ids[row.parent_line]
    return WorkItem(
        id=ids[draft.line],
        project_id=numbers.project_id,
        project_key=numbers.project_key,
        project_archived_at=None,
        number=numbers.first,
        item_type=draft.item_type,
        title=draft.title,
        description=draft.description,
        status=draft.status,
        priority=draft.priority,
        parent_id=WorkItemId(parent_id) if parent_id else None,
        assignee_id=row.assignee.id if row.assignee else None,
        assignee_name=row.assignee.name if row.assignee else None,
        assignee_avatar=row.assignee.avatar if row.assignee else None,
        external_id=draft.external_id,
        job=None,
        rank=rank,
        points=draft.points,
        start_date=draft.start_date,
        due_date=draft.due_date,
        estimate_seconds=draft.estimate_seconds,
        archived_at=tx.now if draft.is_archived else None,
        label_ids=joined_ids(labels),
        labels=labels,
        version=1,
        created_at=tx.now,
        created_by=author,
        updated_at=tx.now,
        updated_by=author,
        workflow_id=numbers.workflow_id,
        limits_id=numbers.limits_id,
        kinds_id=numbers.kinds_id,
        custom_values=row.custom_values,
    )


def _created(row: RowReport, item: WorkItem | None) -> RowReport:
    if item is None:
        return row
    return structs.replace(row, outcome=Outcome.CREATED, id=item.id, key=item.key)


def _report(
    project: Project, backlog: Backlog, made: Plan, status: ImportStatus, mode: ImportMode
) -> ImportReport:
    rows = made.rows
    if status is ImportStatus.REJECTED:
        rows = tuple(
            structs.replace(row, outcome=Outcome.NOT_IMPORTED)
            if row.outcome is Outcome.VALID
            else row
            for row in rows
        )
    return ImportReport(
        status=status,
        mode=mode,
        project_id=project.id,
        encoding=backlog.encoding,
        delimiter=backlog.delimiter,
        columns=backlog.columns,
        rows_total=len(rows),
        rows_created=sum(row.outcome is Outcome.CREATED for row in rows),
        rows_already_imported=sum(row.outcome is Outcome.ALREADY_IMPORTED for row in rows),
        rows_wrong=made.wrong,
        rows_without_id=sum(row.external_id is None for row in rows),
        rows=rows,
        left_out=(*backlog.left_out, *made.left_out),
    )


def _audit(tx: Tx, report: ImportReport, *, by: Actor) -> None:
    tx.audit(
        "board.work_items.import",
        by=by,
        resource=f"project:{report.project_id}",
        after={
            "mode": report.mode,
            "rows_total": report.rows_total,
            "rows_created": report.rows_created,
            "rows_already_imported": report.rows_already_imported,
            "rows_wrong": report.rows_wrong,
            "comments_created": report.comments_created,
            "dependencies_created": report.dependencies_created,
        },
    )

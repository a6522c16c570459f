"""How many items change in one step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby

import msgspec
from msgspec import UNSET

from tidemill.board.activities.models import Action
from tidemill.board.activities.service import History
from tidemill.board.blocking.service import together
from tidemill.board.bulk_changes.models import (
    BulkChangeRefused,
    BulkReport,
    BulkStatus,
    ItemOutcome,
    ItemRefusal,
    ItemReport,
    NewBulkChange,
    OnError,
    in_order,
    items_per_bulk_max,
    report_of,
)
from tidemill.board.bulk_changes.repository import BulkChangeRepository
from tidemill.board.bulk_errors import BulkChangeTooLarge, InvalidBulkChange
from tidemill.board.bulk_facts import (
    BulkFact,
    ItemStep,
    WorkItemsDeleted,
    WorkItemsRestored,
    WorkItemsUpdated,
)
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.models import Filter
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import NEWEST_FIRST, Selection
from tidemill.board.listing.repository import ListingRepository
from tidemill.board.listing.service import condition_of
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.texts import is_uuid, item_key
from tidemill.board.work_items.changing.models import Rules, Step, StepKind, Written
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    WorkItem,
    WorkItemChanges,
    WorkItemFilter,
    check_project_active,
)
from tidemill.core.actor import Actor
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation
from tidemill.core.ports import Database, Once, Tx

RulesFor = Callable[[Actor, WorkItemChanges], Awaitable[Rules]]

_FACTS: dict[StepKind, tuple[type[BulkFact], Action]] = {
    StepKind.CHANGE: (WorkItemsUpdated, Action.UPDATED),
    StepKind.DELETE: (WorkItemsDeleted, Action.DELETED),
    StepKind.RESTORE: (WorkItemsRestored, Action.RESTORED),
}
# What is wrong with one item, and not with the store or with us.
_REFUSALS = (InvalidInput, NotFound, Conflict, RuleViolation)


class _OnlyLooked(Exception):
    """A dry run is over: what it wrote is undone."""

    def __init__(self, report: BulkReport) -> None:
        super().__init__()
        self.report = report


class BulkChangeService:
    """Bulk changes of items, by the same rules as changes of one; `rules` gives them."""

    def __init__(self, tenants: Database, limits: BoardLimits, rules: RulesFor) -> None:
        self._tenants = WalledDatabase(tenants)
        self._rules = rules
        self._changing = Changing(limits)
        self._labelling = Labelling(limits)
        self._listing = ListingRepository()
        self._projects = ProjectRepository()
        self._bulk = BulkChangeRepository()
        self._history = History()

    async def apply(
        self, wanted: NewBulkChange, *, actor: Actor, once: Once[BulkReport] | None = None
    ) -> BulkReport:
        """Change, delete or restore up to 1,000 items in one transaction; report on each.

        A dry run does the same and undoes it. Raises `InvalidBulkChange`, `BulkChangeTooLarge`,
        `InvalidFilter`, and `BulkChangeRefused` where items are refused and nobody said `skip`.
        """
        _check(wanted)
        rules = await self._rules(actor, wanted.changes)

        def use_case(tx: Tx) -> BulkReport:
            self._changing.lock_others(tx, wanted.changes)
            names = self._named(tx, wanted, actor)
            items = self._held(tx, [id_ for _, id_ in names if id_ is not None])
            done = self._all(tx, list(items.values()), wanted, rules, by=actor)
            reports = _reports(names, items, done)
            status = BulkStatus.CHECKED if wanted.dry_run else BulkStatus.APPLIED
            is_refused = any(each.outcome is ItemOutcome.REFUSED for each in reports)
            if is_refused and wanted.on_error is OnError.REFUSE_ALL and not wanted.dry_run:
                raise BulkChangeRefused(report_of(wanted, BulkStatus.REFUSED, reports))
            report = report_of(wanted, status, reports)
            if wanted.dry_run:
                raise _OnlyLooked(report)
            self._tell(tx, wanted, list(done.values()), by=actor)
            return report

        try:
            return await self._tenants.write(actor, use_case, once=once)
        except _OnlyLooked as looked:
            return looked.report

    def _named(
        self, tx: Tx, wanted: NewBulkChange, actor: Actor
    ) -> list[tuple[str, WorkItemId | None]]:
        """Return what items are called, and their ids; None where there is none."""
        if wanted.filter is not None:
            return [(item.key, item.id) for item in self._found(tx, wanted, wanted.filter, actor)]
        keys = {ref: key for ref in wanted.references if (key := item_key(ref)) is not None}
        ids = self._bulk.ids_of_keys(tx, set(keys.values()))
        named: dict[str, WorkItemId | None] = {}
        for reference in wanted.references:
            lowered = reference.lower()
            by_id = WorkItemId(lowered) if is_uuid(lowered) else None
            named.setdefault(reference, by_id or ids.get(keys.get(reference, ("", 0))))
        return list(named.items())

    def _found(
        self, tx: Tx, wanted: NewBulkChange, filter_: Filter, actor: Actor
    ) -> list[WorkItem]:
        project_id = None if wanted.project is None else self._project_id(tx, wanted.project)
        if filter_.order is not None:
            raise InvalidFilter(filter_.order.name.at, "Nothing is sorted here. Remove sort:.")
        parameters = WorkItemFilter(project_id=project_id)
        selection = Selection(parameters=parameters, filter=filter_, zone=wanted.zone)
        condition = condition_of(tx, selection, actor, self._labelling)
        limit = items_per_bulk_max + 1
        found = self._listing.page(tx, condition, NEWEST_FIRST, after=None, limit=limit)
        if len(found) > items_per_bulk_max:
            raise BulkChangeTooLarge(items_per_bulk_max)
        return found

    def _project_id(self, tx: Tx, reference: str) -> ProjectId:
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        return project.id

    def _held(self, tx: Tx, ids: Sequence[WorkItemId]) -> dict[WorkItemId, WorkItem]:
        shown = self._labelling.shown(tx, self._bulk.held(tx, dict.fromkeys(ids)))
        return {item.id: item for item in shown}

    def _all(
        self,
        tx: Tx,
        items: Sequence[WorkItem],
        wanted: NewBulkChange,
        rules: Rules,
        *,
        by: Actor,
    ) -> dict[WorkItemId, Written | ItemRefusal | None]:
        """Write what may be written; return what became of each item, None for nothing."""
        follows_order = wanted.action is StepKind.CHANGE and wanted.changes.status is not UNSET
        blocking = self._bulk.blocking(tx, [item.id for item in items]) if follows_order else ()
        done: dict[WorkItemId, Written | ItemRefusal | None] = {}
        for item in in_order(items, wanted.action, blocking):
            try:
                step = self._step(tx, item, wanted, rules, by=by)
                done[item.id] = None if step is None else self._written(tx, step, by=by)
            except _REFUSALS as error:
                done[item.id] = ItemRefusal.of(error)
        return done

    def _step(
        self, tx: Tx, item: WorkItem, wanted: NewBulkChange, rules: Rules, *, by: Actor
    ) -> Step | None:
        if wanted.action is StepKind.RESTORE:
            return self._changing.restored(tx, item)
        if item.deleted_at is not None:
            raise WorkItemNotFound(item.key)
        check_project_active(item)
        if wanted.action is StepKind.DELETE:
            return self._changing.deleted(tx, item)
        return self._changing.changed(tx, item, wanted.changes, rules, by=by)

    def _written(self, tx: Tx, step: Step, *, by: Actor) -> Written:
        if not step.may_be_refused:
            return self._changing.write(tx, step, by=by)
        return tx.attempt(lambda: self._changing.write(tx, step, by=by))

    def _tell(
        self,
        tx: Tx,
        wanted: NewBulkChange,
        done: Sequence[Written | ItemRefusal | None],
        *,
        by: Actor,
    ) -> None:
        """Write history, one fact and one audit line for each project, and who waits now."""
        written = [each for each in done if isinstance(each, Written)]
        made, action = _FACTS[wanted.action]
        for project_id, group in groupby(sorted(written, key=_place), key=_project):
            of_project = list(group)
            fact = made(
                project_id=project_id,
                items=tuple(ItemStep.of(each.item.state(), each.fields) for each in of_project),
                user_id=by.user_id,
            )
            rows = [(each.item.id, each.item.version, each.fields) for each in of_project]
            self._history.many(tx, fact, action, rows, by=by)
            tx.audit(
                f"board.work_items.bulk_{wanted.action}",
                by=by,
                resource=f"project:{project_id}",
                after={
                    "changes": _said(wanted.changes),
                    "items": [each.item.key for each in of_project],
                },
            )
        self._changing.tell(tx, together([each.watched for each in written]), by=by)


def _check(wanted: NewBulkChange) -> None:
    """Raise `InvalidBulkChange` where it is not clear which items shall change, or how."""
    if (wanted.filter is None) == (not wanted.references):
        raise InvalidBulkChange("ids", "name the items by ids, or by a filter; not by both.")
    if wanted.project is not None and wanted.filter is None:
        raise InvalidBulkChange("project_id", "it goes with a filter; ids need none.")
    if wanted.filter is not None and wanted.action is StepKind.RESTORE:
        raise InvalidBulkChange("filter", "filters find no deleted items. Name them by ids.")
    is_empty = wanted.changes == WorkItemChanges()
    if wanted.action is StepKind.CHANGE and is_empty:
        raise InvalidBulkChange("changes", "say what shall change.")
    if wanted.action is not StepKind.CHANGE and not is_empty:
        raise InvalidBulkChange("changes", f"nothing else changes by action {wanted.action}.")


def _reports(
    names: Sequence[tuple[str, WorkItemId | None]],
    items: dict[WorkItemId, WorkItem],
    done: dict[WorkItemId, Written | ItemRefusal | None],
) -> list[ItemReport]:
    """Return a report for each item, under the first name that it was called by."""
    reports = []
    told: set[WorkItemId] = set()
    for reference, item_id in names:
        item = items.get(item_id) if item_id is not None else None
        if item is None:
            missing = ItemRefusal.of(WorkItemNotFound(reference, param="ids"))
            reports.append(
                ItemReport(reference=reference, outcome=ItemOutcome.REFUSED, error=missing)
            )
        elif item.id not in told:
            told.add(item.id)
            reports.append(_report(reference, item, done[item.id]))
    return reports


def _report(reference: str, item: WorkItem, done: Written | ItemRefusal | None) -> ItemReport:
    outcome, version, error = ItemOutcome.UNCHANGED, item.version, None
    fields: tuple[str, ...] = ()
    match done:
        case Written():
            outcome, version = ItemOutcome.CHANGED, done.item.version
            fields = tuple(change.field_name for change in done.fields)
        case ItemRefusal():
            outcome, error = ItemOutcome.REFUSED, done
    return ItemReport(
        reference=reference,
        outcome=outcome,
        id=item.id,
        key=item.key,
        version=version,
        fields=fields,
        error=error,
    )


def _said(changes: WorkItemChanges) -> dict[str, object]:
    """Return what somebody wanted, without what was left out."""
    said = msgspec.to_builtins(changes)
    return {name: value for name, value in said.items() if value not in ([], ())}


def _project(written: Written) -> ProjectId:
    return written.item.project_id


def _place(written: Written) -> tuple[str, int]:
    return written.item.project_id, written.item.number

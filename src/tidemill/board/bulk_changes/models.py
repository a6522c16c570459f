"""What shall happen to many items, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tidemill.board.contract import WorkItemId
from tidemill.board.errors import shown
from tidemill.board.filters.models import Filter
from tidemill.board.work_items.changing.models import StepKind
from tidemill.board.work_items.models import WorkItem, WorkItemChanges
from tidemill.core.errors import RuleViolation, TidemillError

items_per_bulk_max: Final = 1_000


class OnError(StrEnum):
    """What becomes of the others when some items may not change."""

    REFUSE_ALL = "refuse_all"
    SKIP = "skip"


class NewBulkChange(Struct, frozen=True, kw_only=True):
    """What a caller wants: items by ids and keys, or by a filter, and what happens to them."""

    references: tuple[str, ...] = ()
    filter: Filter | None = None
    project: str | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    action: StepKind = StepKind.CHANGE
    changes: WorkItemChanges = WorkItemChanges()
    on_error: OnError = OnError.REFUSE_ALL
    dry_run: bool = False


class BulkStatus(StrEnum):
    """What became of all: written, only looked at, or refused."""

    APPLIED = "applied"
    CHECKED = "checked"
    REFUSED = "refused"


class ItemOutcome(StrEnum):
    """What became of an item; `held_back` may change, and did not since others may not."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    HELD_BACK = "held_back"


class ItemRefusal(Struct, frozen=True, kw_only=True):
    """Why an item may not change, as the change of this item alone would say it."""

    message: str
    type: str
    code: str
    param: str | None

    @classmethod
    def of(cls, error: TidemillError) -> ItemRefusal:
        """Return what `error` says."""
        return cls(message=error.message, type=error.type, code=error.code, param=error.param)


class ItemReport(Struct, frozen=True, kw_only=True):
    """What became of one item; `version` is what it has now, or would have after a dry run.

    `reference` is what the caller called it; `fields` are those that differ.
    """

    reference: str
    outcome: ItemOutcome
    id: WorkItemId | None = None
    key: str | None = None
    version: int | None = None
    fields: tuple[str, ...] = ()
    error: ItemRefusal | None = None


class BulkReport(Struct, frozen=True, kw_only=True):
    """What became of all items, in the order in which they were named or found."""

    status: BulkStatus
    action: StepKind
    on_error: OnError
    total: int
    changed: int
    unchanged: int
    refused: int
    items: tuple[ItemReport, ...]


class BulkChangeRefused(RuleViolation):
    """Some items may not change so, so none did; the report says of each why."""

    code = "BULK_CHANGE_REFUSED"

    def __init__(self, report: BulkReport) -> None:
        first = next(item for item in report.items if item.error is not None)
        told = first.error.message if first.error else ""
        super().__init__(
            f"{report.refused} of {report.total} items were refused, so nothing was changed. "
            f"The first, {shown(first.key or first.reference)}: {told} Leave out the refused ones, "
            "or send on_error=skip to change the others."
        )
        self.report = report


def report_of(wanted: NewBulkChange, status: BulkStatus, items: Sequence[ItemReport]) -> BulkReport:
    """Return the report of all items."""
    if status is BulkStatus.REFUSED:
        items = [_held_back(item) for item in items]
    outcomes = [item.outcome for item in items]
    return BulkReport(
        status=status,
        action=wanted.action,
        on_error=wanted.on_error,
        total=len(items),
        changed=outcomes.count(ItemOutcome.CHANGED),
        unchanged=outcomes.count(ItemOutcome.UNCHANGED),
        refused=outcomes.count(ItemOutcome.REFUSED),
        items=tuple(items),
    )


def in_order(
    items: Sequence[WorkItem], action: StepKind, blocking: Iterable[tuple[str, str]] = ()
) -> list[WorkItem]:
    """Return items so that none is refused for another one of them that comes later.

    Children come before their parents, and what blocks before what it blocks, both as pairs of
    ids; what is restored comes back the other way round. Where no order is possible, as given.
    """
    by_id: Mapping[str, WorkItem] = {item.id: item for item in items}
    sorter = TopologicalSorter[str](dict.fromkeys(by_id, ()))
    for item in items:
        if item.parent_id is not None and item.parent_id in by_id:
            sorter.add(item.parent_id, item.id)
    for first, second in blocking:
        if first in by_id and second in by_id:
            sorter.add(second, first)
    try:
        ordered = [by_id[id_] for id_ in sorter.static_order()]
    except CycleError:
        return list(items)
    return ordered[::-1] if action is StepKind.RESTORE else ordered


def _held_back(item: ItemReport) -> ItemReport:
    if item.outcome is not ItemOutcome.CHANGED:
        return item
    return ItemReport(
        reference=item.reference,
        outcome=ItemOutcome.HELD_BACK,
        id=item.id,
        key=item.key,
        fields=item.fields,
    )

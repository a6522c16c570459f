"""How bulk changes look on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.bulk_changes.models import (
    BulkReport,
    NewBulkChange,
    OnError,
    items_per_bulk_max,
)
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.service import zone_of
from tidemill.board.work_items.changing.models import StepKind
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.board.work_items.schemas import (
    CustomFields,
    Estimate,
    ItemType,
    Labels,
    Points,
)
from tidemill.http import Body, View
from tidemill.http.bodies import ErrorDetail

Reference = Annotated[str, Meta(min_length=1, max_length=100)]


class ItemsChange(Body, frozen=True, kw_only=True):
    """What shall change of each item: a field that is left out stays, null empties it.

    The fields of a change of one item, but for its texts, its place and its versions.
    """

    item_type: ItemType | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET
    parent_id: str | UnsetType | None = UNSET
    points: Points | UnsetType | None = UNSET
    estimate_seconds: Estimate | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET
    add_labels: Labels = ()
    remove_labels: Labels = ()
    sprint_id: (
        Annotated[str | None, Meta(description="A planned or active sprint; null is the backlog.")]
        | UnsetType
    ) = UNSET
    archived: bool | UnsetType | None = UNSET
    custom_fields: CustomFields | UnsetType = UNSET

    def changes(self) -> WorkItemChanges:
        """Return what the service takes."""
        return WorkItemChanges(
            item_type=self.item_type,
            status=self.status,
            priority=self.priority,
            assignee_id=self.assignee_id,
            parent=self.parent_id,
            points=self.points,
            estimate_seconds=self.estimate_seconds,
            start_date=self.start_date,
            due_date=self.due_date,
            labels=self.labels,
            add_labels=self.add_labels,
            remove_labels=self.remove_labels,
            sprint=self.sprint_id,
            archived=self.archived,
            custom_fields=self.custom_fields,
        )


class ChangeWorkItems(Body, frozen=True, kw_only=True):
    """Which items shall change, and how; they are named by `ids`, or found by `filter`."""

    ids: Annotated[
        tuple[Reference, ...],
        Meta(max_length=items_per_bulk_max, description="Items by id or key."),
    ] = ()
    filter: Annotated[
        str | None,
        Meta(
            description="What the items fulfil, such as `is:open label:harbour`; the guide to "
            "filters lists its fields. At most 1,000 items may fulfil it.",
            examples=["status:review updated<-7d"],
        ),
    ] = None
    project_id: Annotated[
        str | None, Meta(description="With a filter: only items of this project, by id or key.")
    ] = None
    time_zone: Annotated[
        str | None, Meta(description="Whose days the dates of the filter are; UTC.")
    ] = None
    action: StepKind = StepKind.CHANGE
    changes: ItemsChange | None = None
    on_error: Annotated[
        OnError,
        Meta(description="Whether an item that may not change so keeps the others from it."),
    ] = OnError.REFUSE_ALL
    dry_run: Annotated[bool, Meta(description="Report what would happen and change nothing.")] = (
        False
    )

    def wanted(self) -> NewBulkChange:
        """Return what the service takes; raises `InvalidFilter` and `UnknownTimeZone`."""
        return NewBulkChange(
            references=self.ids,
            filter=None if self.filter is None else parse(self.filter),
            project=self.project_id,
            zone=zone_of(self.time_zone),
            action=self.action,
            changes=WorkItemChanges() if self.changes is None else self.changes.changes(),
            on_error=self.on_error,
            dry_run=self.dry_run,
        )


class RefusedBulkChange(View, frozen=True, kw_only=True):
    """The answer to what is refused: the error and, where items are refused, the report of all."""

    error: ErrorDetail
    report: BulkReport | UnsetType = UNSET

"""A work item and the rules of its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tidemill.board.contract import (
    JobSummary,
    ProjectId,
    SprintId,
    WorkItemId,
    WorkItemState,
)
from tidemill.board.custom_fields.models import Given
from tidemill.board.custom_fields.values import by_key
from tidemill.board.errors import (
    DatesOutOfOrder,
    InvalidPoints,
    NotPlannable,
    ProjectIsArchived,
    WorkItemIsArchived,
    WrongParent,
)
from tidemill.board.item_kinds.models import USUAL, Kinds, WorkItemType
from tidemill.board.kind_errors import ChildrenDoNotFit
from tidemill.board.labels.models import ItemLabel, split_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import many_lines, single_line
from tidemill.board.workflows.models import CLOSED
from tidemill.core.clock import Instant


class Priority(StrEnum):
    """How much an item matters, most first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WorkItem(Struct, frozen=True):
    """A work item, in the order of the columns that a read selects.

    `project_key`, `project_archived_at`, `assignee_name` and `assignee_avatar` are joined.
    `job` is a `JobSummary` as JSON, dates are `YYYY-MM-DD`. `has_open_blocker` is 1 when something
    unfinished blocks it. `workflow_id` is the project's, None the default one;
    `limits_id` are the settings of its board, where writes must hold limits, and `kinds_id` the
    kinds of the tenant, None the usual ones. `custom_values` is what it has in custom fields, as
    `kept` writes it. `labels` is no column: those of `label_ids` that are not deleted, where
    somebody has looked them up.
    """

    id: WorkItemId
    project_id: ProjectId
    project_key: str
    project_archived_at: Instant | None
    number: int
    item_type: str
    title: str
    description: str | None
    status: str
    priority: str
    parent_id: WorkItemId | None
    assignee_id: str | None
    assignee_name: str | None
    assignee_avatar: str | None
    external_id: str | None
    job: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None
    # Answers that were kept for an Idempotency-Key before there were ranks have none.
    rank: str = ""
    points: int | None = None
    start_date: str | None = None
    due_date: str | None = None
    label_ids: str = ""
    started_at: Instant | None = None
    completed_at: Instant | None = None
    sprint_id: SprintId | None = None
    sprint_name: str | None = None
    estimate_seconds: int | None = None
    has_open_blocker: int = 0
    # Answers that were kept before statuses had a category of their own have none.
    status_category: str | None = None
    workflow_id: str | None = None
    archived_at: Instant | None = None
    attachment_count: int = 0
    limits_id: str | None = None
    custom_values: str | None = None
    kinds_id: str | None = None
    labels: tuple[ItemLabel, ...] = ()

    @property
    def key(self) -> str:
        """Return the number that people see, such as `TM-12`."""
        return f"{self.project_key}-{self.number}"

    @property
    def is_open(self) -> bool:
        """Return whether it is neither finished nor deleted."""
        return self.deleted_at is None and self.status_category not in CLOSED

    @property
    def is_blocked(self) -> bool:
        """Return whether it is unfinished and waits for something else that is."""
        return self.is_open and bool(self.has_open_blocker)

    @property
    def blocked(self) -> str:
        """Return `yes` or `no`, as filters say it."""
        return "yes" if self.is_blocked else "no"

    @property
    def custom_fields(self) -> dict[str, str]:
        """Return what the item has in custom fields, by their keys."""
        return by_key(self.custom_values)

    @property
    def job_summary(self) -> JobSummary | None:
        """Return what the item shows of its last job."""
        return msgspec.json.decode(self.job, type=JobSummary) if self.job else None

    def state(self) -> WorkItemState:
        """Return what facts carry of the item."""
        return WorkItemState(
            id=self.id,
            key=self.key,
            item_number=self.number,
            item_type=self.item_type,
            project_id=self.project_id,
            parent_id=self.parent_id,
            title=self.title,
            description=self.description,
            status=self.status,
            priority=self.priority,
            assignee_id=self.assignee_id,
            rank=self.rank,
            version=self.version,
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            deleted_at=self.deleted_at,
            job=self.job_summary,
            story_points=self.points,
            start_date=self.start_date,
            due_date=self.due_date,
            label_ids=split_ids(self.label_ids),
            started_at=self.started_at,
            completed_at=self.completed_at,
            sprint_id=self.sprint_id,
            estimate_seconds=self.estimate_seconds,
            archived_at=self.archived_at,
            status_category=self.status_category,
            custom_fields=self.custom_fields,
            item_kind=self.item_type,
        )


class Assignee(Struct, frozen=True):
    """An active member, as the `people` of the tenant know them."""

    id: str
    name: str
    avatar: str | None


class NewWorkItem(Struct, frozen=True, kw_only=True):
    """What a caller gives to make an item; project and parent by id or key."""

    item_type: str
    title: str
    project: str | None = None
    parent: str | None = None
    description: str | None = None
    status: str | None = None
    priority: Priority = Priority.MEDIUM
    assignee_id: str | None = None
    external_id: str | None = None
    points: int | None = None
    estimate_seconds: int | None = None
    start_date: date | None = None
    due_date: date | None = None
    labels: tuple[str, ...] = ()
    sprint: str | None = None
    custom_fields: Mapping[str, Given] = {}


class WorkItemChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and null empties a field that can be empty.

    `after` and `before` name the item that it shall stand next to; null is the start and the end.
    `labels` are all that it shall bear, by id or name; `add_labels` and `remove_labels` change
    what it bears. Of `custom_fields` those that are not named stay.
    """

    item_type: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET
    parent: str | UnsetType | None = UNSET
    after: str | UnsetType | None = UNSET
    before: str | UnsetType | None = UNSET
    points: int | UnsetType | None = UNSET
    estimate_seconds: int | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    labels: tuple[str, ...] | UnsetType | None = UNSET
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()
    sprint: str | UnsetType | None = UNSET
    archived: bool | UnsetType | None = UNSET
    custom_fields: Mapping[str, Given] | UnsetType = UNSET

    @property
    def moves(self) -> bool:
        """Return whether the item shall stand elsewhere."""
        return self.after is not UNSET or self.before is not UNSET


class Sort(StrEnum):
    """The order of a list."""

    NUMBER = "number"
    RANK = "rank"


class WorkItemFilter(Struct, frozen=True, kw_only=True):
    """Which items a list holds; what is None does not matter.

    `label` is an id or a name, of which there may be one in several projects.
    """

    project_id: ProjectId | None = None
    status: str | None = None
    item_type: str | None = None
    parent_id: WorkItemId | None = None
    assignee_id: str | None = None
    sprint_id: SprintId | None = None
    label: str | None = None
    updated_since: Instant | None = None
    blocked: bool | None = None
    sort: Sort | None = None


points_max: Final = 1_000
estimate_seconds_max: Final = 36_000_000

PLANNABLE: Final = (WorkItemType.STORY, WorkItemType.TASK, WorkItemType.BUG)
"""Which types sprints take unless a tenant wants others."""


def check_parent(
    child: tuple[str | None, str, ProjectId | None],
    parent: tuple[str, str, ProjectId],
    kinds: Kinds = USUAL,
) -> None:
    """Return when `parent` may be above `child`, each an id, a type and a project.

    A child that is not made yet has no id, and no project when it follows its parent's.
    Raises `WrongParent`.
    """
    child_id, child_type, child_project = child
    parent_id, parent_type, parent_project = parent
    if child_id == parent_id:
        raise WrongParent("An item cannot be its own parent.")
    if child_project is not None and child_project != parent_project:
        raise WrongParent("The parent belongs to another project.")
    allowed = kinds.parents_of(child_type)
    if not allowed:
        raise WrongParent(f"{_a(child_type)} has no parent.")
    if parent_type not in allowed:
        raise WrongParent(
            f"{_a(child_type)} belongs below {' or '.join(map(_a, allowed)).lower()}, "
            f"not below {_a(parent_type).lower()}."
        )


def check_without_parent(item_type: str, kinds: Kinds = USUAL) -> None:
    """Return when items of a kind may hang right under the project; raises `WrongParent`."""
    if not kinds.may_be_top(item_type):
        allowed = " or ".join(map(_a, kinds.parents_of(item_type))).lower()
        raise WrongParent(f"{_a(item_type)} needs a parent: {allowed}.")


def check_children(item_type: str, children: Iterable[str], kinds: Kinds) -> None:
    """Return when items of the types `children` may hang below one of `item_type`.

    Raises `ChildrenDoNotFit`.
    """
    unfit = [child for child in children if item_type not in kinds.parents_of(child)]
    if unfit:
        raise ChildrenDoNotFit(
            f"Below it there is {' and '.join(map(_a, unfit)).lower()}, which cannot hang below "
            f"{_a(item_type).lower()}. Give what lies below another parent or kind first."
        )


def check_changeable(item: WorkItem, *, param: str | None = None) -> None:
    """Return when an item may change; raises `ProjectIsArchived` and `WorkItemIsArchived`."""
    check_project_active(item)
    if item.archived_at is not None:
        raise WorkItemIsArchived(item.key, param=param)


def check_project_active(item: WorkItem) -> None:
    """Return when nothing of an item's project is frozen; raises `ProjectIsArchived`."""
    if item.project_archived_at is not None:
        raise ProjectIsArchived(item.project_key)


def can_assign_to_sprint(item_type: str, types: Sequence[str] = PLANNABLE) -> None:
    """Return when items of this type can be planned in a sprint that takes `types`.

    Raises `NotPlannable`.
    """
    if item_type not in types:
        raise NotPlannable(item_type, types)


def valid_title(text: str, limits: BoardLimits) -> str:
    """Return a title on one line; raises `InvalidText`."""
    return single_line(text, param="title", chars_max=limits.title_chars_max)


def valid_description(text: str | None, limits: BoardLimits) -> str | None:
    """Return a description with plain line ends; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.description_chars_max)


def valid_points(points: int | None) -> int | None:
    """Return points in their limits; raises `InvalidPoints`."""
    if points is not None and not 0 <= points <= points_max:
        raise InvalidPoints(points_max)
    return points


def valid_dates(start: date | str | None, due: date | str | None) -> tuple[str | None, str | None]:
    """Return two days as items keep them; raises `DatesOutOfOrder`."""
    first = str(start) if start is not None else None
    last = str(due) if due is not None else None
    if first is not None and last is not None and first > last:
        raise DatesOutOfOrder(first, last)
    return first, last


def _a(item_type: str) -> str:
    return f"An {item_type}" if item_type[0] in "aeiou" else f"A {item_type}"

"""A work item and the rules of its fields."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import (
    FieldChange,
    JobSummary,
    ProjectId,
    WorkItemId,
    WorkItemState,
)
from tidemill.board.errors import NotPlannable, NullNotAllowed, ProjectIsNotAWorkItem, WrongParent
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import many_lines, single_line
from tidemill.board.workflows.models import Workflow, validate_status_transition
from tidemill.core.clock import Instant


class WorkItemType(StrEnum):
    """How large a piece of work is; projects have a resource of their own."""

    PROJECT = "project"
    EPIC = "epic"
    STORY = "story"
    TASK = "task"
    BUG = "bug"


class Priority(StrEnum):
    """How much an item matters, most first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WorkItem(Struct, frozen=True):
    """A work item, in the order of the columns that a read selects.

    `project_key`, `project_archived_at`, `assignee_name` and `assignee_avatar` are joined.
    `job` is a `JobSummary` as JSON.
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

    @property
    def key(self) -> str:
        """Return the number that people see, such as `TM-12`."""
        return f"{self.project_key}-{self.number}"

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
            version=self.version,
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            deleted_at=self.deleted_at,
            job=self.job_summary,
        )


class Assignee(Struct, frozen=True):
    """An active member, as the `people` of the tenant know them."""

    id: str
    name: str
    avatar: str | None


class NewWorkItem(Struct, frozen=True, kw_only=True):
    """What a caller gives to make an item; project and parent by id or key."""

    item_type: WorkItemType
    title: str
    project: str | None = None
    parent: str | None = None
    description: str | None = None
    status: str | None = None
    priority: Priority = Priority.MEDIUM
    assignee_id: str | None = None
    external_id: str | None = None


class WorkItemChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and null empties a field that can be empty."""

    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET
    parent: str | UnsetType | None = UNSET


class WorkItemFilter(Struct, frozen=True, kw_only=True):
    """Which items a list holds; what is None does not matter."""

    project_id: ProjectId | None = None
    status: str | None = None
    item_type: WorkItemType | None = None
    parent_id: WorkItemId | None = None
    assignee_id: str | None = None
    updated_since: Instant | None = None


PARENT_TYPES: Final[dict[str, tuple[str, ...]]] = {
    WorkItemType.EPIC: (),
    WorkItemType.STORY: (WorkItemType.EPIC,),
    WorkItemType.BUG: (WorkItemType.EPIC,),
    WorkItemType.TASK: (WorkItemType.STORY, WorkItemType.BUG),
}
"""Which types may be above a type. Each step goes up, so no chain of parents can close."""


def check_type(item_type: str) -> None:
    """Raise `ProjectIsNotAWorkItem` for a project."""
    if item_type == WorkItemType.PROJECT:
        raise ProjectIsNotAWorkItem


def check_parent(
    child: tuple[str | None, str, ProjectId | None], parent: tuple[str, str, ProjectId]
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
    allowed = PARENT_TYPES[child_type]
    if not allowed:
        raise WrongParent(f"{_a(child_type)} has no parent.")
    if parent_type not in allowed:
        raise WrongParent(
            f"{_a(child_type)} belongs below {' or '.join(map(_a, allowed)).lower()}, "
            f"not below {_a(parent_type).lower()}."
        )


def can_assign_to_sprint(item_type: str) -> None:
    """Return when items of this type can be planned in a sprint; raises `NotPlannable`."""
    if item_type in {WorkItemType.PROJECT, WorkItemType.EPIC}:
        raise NotPlannable(item_type)


def valid_title(text: str, limits: BoardLimits) -> str:
    """Return a title on one line; raises `InvalidText`."""
    return single_line(text, param="title", chars_max=limits.title_chars_max)


def valid_description(text: str | None, limits: BoardLimits) -> str | None:
    """Return a description with plain line ends; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.description_chars_max)


def changed_fields(
    item: WorkItem, changes: WorkItemChanges, *, workflow: Workflow, limits: BoardLimits
) -> WorkItem:
    """Return `item` with the changes that need no other row; its version stays.

    Raises `NullNotAllowed`, `InvalidText`, `UnknownStatus` and `StatusTransitionForbidden`.
    """
    title, description = item.title, item.description
    status, priority = item.status, item.priority
    if changes.title is not UNSET:
        title = valid_title(_present(changes.title, "title"), limits)
    if changes.description is not UNSET:
        description = valid_description(changes.description, limits)
    if changes.status is not UNSET:
        status = _present(changes.status, "status")
        validate_status_transition(workflow, item.status, status)
    if changes.priority is not UNSET:
        priority = str(_present(changes.priority, "priority"))
    return structs.replace(
        item, title=title, description=description, status=status, priority=priority
    )


def differences(old: WorkItem, new: WorkItem) -> tuple[FieldChange, ...]:
    """Return which fields differ, with both values as text."""
    pairs = (
        ("title", old.title, new.title),
        ("description", old.description, new.description),
        ("status", old.status, new.status),
        ("priority", old.priority, new.priority),
        ("parent_id", old.parent_id, new.parent_id),
        ("assignee_id", old.assignee_id, new.assignee_id),
        *_job_pairs(old, new),
    )
    return tuple(
        FieldChange(field_name=field, old_value=before, new_value=after)
        for field, before, after in pairs
        if before != after
    )


def _job_pairs(old: WorkItem, new: WorkItem) -> tuple[tuple[str, str | None, str | None], ...]:
    if old.job == new.job:
        return ()
    before, after = old.job_summary, new.job_summary
    return (
        ("job", _job_text(before), _job_text(after)),
        ("job_result", _result_text(before), _result_text(after)),
    )


def _job_text(summary: JobSummary | None) -> str | None:
    return f"{summary.id} {summary.state}" if summary else None


def _result_text(summary: JobSummary | None) -> str | None:
    if summary is None:
        return None
    result = bytes(summary.result).decode()
    return summary.error if result == "null" else result


def next_version(item: WorkItem, *, at: Instant, by: str) -> WorkItem:
    """Return `item` as the version after its own."""
    return structs.replace(item, version=item.version + 1, updated_at=at, updated_by=by)


def _present(value: str | None, param: str) -> str:
    if value is None:
        raise NullNotAllowed(param)
    return value


def _a(item_type: str) -> str:
    return f"An {item_type}" if item_type == WorkItemType.EPIC else f"A {item_type}"

"""From one version of a work item to the next."""

from __future__ import annotations

from typing import TypeVar

from msgspec import UNSET, UnsetType, structs

from tidemill.board.contract import FieldChange, JobSummary
from tidemill.board.custom_field_errors import value_param
from tidemill.board.errors import NullNotAllowed
from tidemill.board.labels.models import ItemLabel, separator
from tidemill.board.limits import BoardLimits
from tidemill.board.work_items.models import (
    WorkItem,
    WorkItemChanges,
    valid_dates,
    valid_description,
    valid_points,
    valid_title,
)
from tidemill.board.workflows.models import Times, Workflow, times_in, validate_status_transition
from tidemill.core.clock import Instant

T = TypeVar("T")
C = TypeVar("C")


def changed_fields(
    item: WorkItem, changes: WorkItemChanges, *, workflow: Workflow, limits: BoardLimits
) -> WorkItem:
    """Return `item` with the changes that need no other row; its version stays.

    Raises `NullNotAllowed`, `InvalidText`, `UnknownStatus`, `StatusTransitionForbidden`,
    `InvalidPoints` and `DatesOutOfOrder`.
    """
    title, description = item.title, item.description
    status, priority = item.status, item.priority
    start, due = valid_dates(
        _kept(changes.start_date, item.start_date), _kept(changes.due_date, item.due_date)
    )
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
        item,
        title=title,
        description=description,
        status=status,
        priority=priority,
        points=valid_points(_kept(changes.points, item.points)),
        estimate_seconds=_kept(changes.estimate_seconds, item.estimate_seconds),
        start_date=start,
        due_date=due,
    )


def archived(item: WorkItem, wanted: bool | UnsetType | None, *, at: Instant) -> WorkItem:
    """Return `item` archived at an instant or no longer; raises `NullNotAllowed`."""
    if wanted is UNSET or wanted == (item.archived_at is not None):
        return item
    if wanted is None:
        raise NullNotAllowed("archived")
    return structs.replace(item, archived_at=at if wanted else None)


def entered(item: WorkItem, old_status: str | None, *, workflow: Workflow, at: Instant) -> WorkItem:
    """Return `item` with what its status means, into which it came from another at an instant.

    Whoever gives an item another status does it by this: category and times follow the status.
    """
    if item.status == old_status:
        return item
    category = workflow.category_of(item.status)
    times = times_in(
        category, Times(started_at=item.started_at, completed_at=item.completed_at), at=at
    )
    return structs.replace(
        item,
        status_category=category.value if category else item.status_category,
        started_at=times.started_at,
        completed_at=times.completed_at,
    )


def differences(old: WorkItem, new: WorkItem) -> tuple[FieldChange, ...]:
    """Return which fields differ, with both values as text."""
    pairs = (
        ("project_id", old.project_id, new.project_id),
        ("key", old.key, new.key),
        ("item_type", old.item_type, new.item_type),
        ("title", old.title, new.title),
        ("description", old.description, new.description),
        ("status", old.status, new.status),
        ("priority", old.priority, new.priority),
        ("parent_id", old.parent_id, new.parent_id),
        ("assignee_id", old.assignee_id, new.assignee_id),
        ("points", _number_text(old.points), _number_text(new.points)),
        (
            "estimate_seconds",
            _number_text(old.estimate_seconds),
            _number_text(new.estimate_seconds),
        ),
        ("start_date", old.start_date, new.start_date),
        ("due_date", old.due_date, new.due_date),
        ("sprint_id", old.sprint_id, new.sprint_id),
        ("labels", _names_text(old.labels), _names_text(new.labels)),
        ("rank", old.rank, new.rank),
        ("archived", _yes(old.archived_at), _yes(new.archived_at)),
        *_custom_pairs(old, new),
        *_job_pairs(old, new),
    )
    return tuple(
        FieldChange(field_name=field, old_value=before, new_value=after)
        for field, before, after in pairs
        if before != after
    )


def overwriting(
    fields: tuple[FieldChange, ...], changes: WorkItemChanges
) -> tuple[FieldChange, ...]:
    """Return the fields in which `changes` would undo what others changed meanwhile.

    Labels that are added and taken off one by one leave those of others alone.
    """
    if changes.labels is not UNSET:
        return fields
    return tuple(field for field in fields if field.field_name != "labels")


def _number_text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _yes(at: Instant | None) -> str | None:
    return None if at is None else "yes"


def _names_text(labels: tuple[ItemLabel, ...]) -> str | None:
    return f"{separator} ".join(label.name for label in labels) or None


def _custom_pairs(old: WorkItem, new: WorkItem) -> tuple[tuple[str, str | None, str | None], ...]:
    if old.custom_values == new.custom_values:
        return ()
    before, after = old.custom_fields, new.custom_fields
    keys = sorted(before | after)
    return tuple((value_param(key), before.get(key), after.get(key)) for key in keys)


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


def _kept(wanted: T | UnsetType | None, current: C) -> T | C | None:
    return current if wanted is UNSET else wanted


def _present(value: str | None, param: str) -> str:
    if value is None:
        raise NullNotAllowed(param)
    return value

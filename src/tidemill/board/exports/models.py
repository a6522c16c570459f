"""Work items as other programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from tidemill.board.work_items.models import WorkItem
from tidemill.core.clock import rfc3339, rfc3339_or_none

# Names that imports know: `id` and `parent id` join what comes in elsewhere. Two of them that
# mean the same would be one too many, hence `imported as`.
ITEM_COLUMNS: Final = (
    "key", "id", "title", "type", "status", "status_category", "priority", "parent_id", "assignee",
    "assignee_user", "points", "estimate_seconds", "start_date", "due_date", "labels", "sprint",
    "description", "imported_as", "created_at", "updated_at", "started_at", "completed_at",
)  # fmt: skip

Cell = str | int | None


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    ICS = "ics"
    JSON = "json"
    ZIP = "zip"


def columns(custom_keys: Sequence[str]) -> tuple[str, ...]:
    """Return the header of a table with these custom fields, whose columns imports know, too."""
    return (*ITEM_COLUMNS, *(f"cf.{key}" for key in custom_keys))


def item_row(item: WorkItem, custom_keys: Sequence[str] = ()) -> tuple[Cell, ...]:
    """Return the cells of an item, in the order of `columns`; instants are UTC."""
    custom = item.custom_fields
    return (
        item.key,
        item.id,
        item.title,
        item.item_type,
        item.status,
        item.status_category,
        item.priority,
        item.parent_id,
        item.assignee_name,
        item.assignee_id,
        item.points,
        item.estimate_seconds,
        item.start_date,
        item.due_date,
        ", ".join(label.name for label in item.labels),
        item.sprint_name,
        item.description,
        item.external_id,
        rfc3339(item.created_at),
        rfc3339(item.updated_at),
        rfc3339_or_none(item.started_at),
        rfc3339_or_none(item.completed_at),
        *map(custom.get, custom_keys),
    )

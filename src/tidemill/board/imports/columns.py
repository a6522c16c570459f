"""Which column of a file fills which field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tidemill.board.custom_fields.models import is_key
from tidemill.board.errors import shown
from tidemill.board.imports.models import ColumnUse, SourceFormat
from tidemill.board.imports.words import plain

Names = Mapping[str, tuple[str, ...]]
"""The names of the columns that may fill each field, the best one first."""

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title", "summary", "subject", "name", "task name", "issue title"),
    "item_type": ("item type", "type", "issue type", "work item type", "kind", "tracker"),
    "description": ("description", "body", "details", "notes", "text"),
    "status": ("status", "state", "column", "list"),
    "status_hint": (),
    "priority": ("priority", "importance", "severity"),
    "parent": (
        "parent", "parent id", "parent key", "parent title", "parent task", "parent issue",
        "epic link", "epic", "epic name",
    ),
    "assignee": ("assignee", "assignee id", "assigned to", "assignee name", "owner"),
    "points": ("points", "story points", "story point estimate", "estimate", "size"),
    "estimate_hours": ("estimate hours", "estimated hours", "estimated time"),
    "estimate_seconds": ("estimate seconds",),
    "archived": (),
    "start_date": ("start date", "start", "planned start"),
    "due_date": ("due date", "due", "deadline", "target date", "end date"),
    "labels": ("labels", "label", "tags", "tag"),
    "external_id": (
        "external id", "id", "key", "issue key", "issue id", "number", "task id", "ref",
    ),
    "alias": (),
    "comments": (),
    "blocks": ("blocks",),
    "blocked_by": ("blocked by",),
    "relates_to": ("relates to",),
    "duplicates": ("duplicates",),
    "duplicated_by": ("duplicated by",),
}  # fmt: skip
_NAMES_OF: Final[dict[SourceFormat, dict[str, tuple[str, ...]]]] = {
    SourceFormat.JIRA: {
        "title": ("summary",),
        "status_hint": ("status category",),
        "external_id": ("issue key", "key"),
        "alias": ("issue id",),
        "parent": ("parent key", "epic link", "parent id", "parent"),
        "assignee": ("assignee",),
        "points": ("story points", "story point estimate"),
        "estimate_seconds": ("original estimate",),
        "due_date": ("due date",),
        "start_date": ("start date", "target start"),
        "comments": ("comment",),
        "blocks": ("outward issue link (blocks)",),
        "blocked_by": ("inward issue link (blocks)",),
        "relates_to": ("outward issue link (relates)",),
        "duplicates": ("outward issue link (duplicate)",),
    },
    SourceFormat.REDMINE: {
        "external_id": ("#", "id"),
        "parent": ("parent task",),
        "assignee": ("assignee", "assigned to"),
    },
    SourceFormat.PLANE: {
        "assignee": ("assignee", "assignees"),
        "points": ("estimate",),
    },
}
_CUSTOM: Final = re.compile(r"custom field \((.*)\)")
_FIELD_PREFIX: Final = "cf."
"""What stands before the key of a custom field, as in filters."""
REPEATED: Final = frozenset(
    {"labels", "comments", "blocks", "blocked_by", "relates_to", "duplicates", "duplicated_by"}
)
"""Each item may have several of these, so several columns fill them."""
# Jira has one column for the parents of sub-tasks, and another one for those of stories.
_REPEATED_OF: Final = {SourceFormat.JIRA: frozenset({"parent"})}
_unused_told_max: Final = 200
columns_max: Final = 5_000
"""More are no table of anybody's, and each of them is looked for in each row."""


def names_of(format_: SourceFormat) -> Names:
    """Return the names of columns in the CSV of a tool."""
    return _NAMES | _NAMES_OF.get(format_, {})


def repeated_of(format_: SourceFormat) -> frozenset[str]:
    """Return which fields several columns may fill in the files of a tool."""
    return REPEATED | _REPEATED_OF.get(format_, frozenset())


def is_field(name: str) -> bool:
    """Return whether a column may fill this."""
    return name in _NAMES or custom_key(name) is not None


def custom_key(field: str) -> str | None:
    """Return the key of the custom field that a column fills, None where it fills another."""
    key = field.removeprefix(_FIELD_PREFIX)
    return key if key != field and is_key(key) else None


def fields() -> tuple[str, ...]:
    """Return what columns may fill."""
    return (*_NAMES, f"{_FIELD_PREFIX}KEY")


def columns_of(
    header: Sequence[str],
    names: Names = _NAMES,
    repeated: frozenset[str] = REPEATED,
    wanted: Mapping[str, str | None] | None = None,
) -> tuple[ColumnUse, ...]:
    """Return what each column fills; where two could fill one field, the better name wins.

    `repeated` fields take all that could fill them. `wanted` says what columns fill whatever they
    are called, or that they fill nothing.
    """
    plain_names = [_name(name) for name in header]
    said = {_name(name): field for name, field in (wanted or {}).items()}
    field_at = {
        place: field
        for place, name in enumerate(plain_names)
        if (field := said.get(name)) is not None
    }
    for place, name in enumerate(header):
        own_name = name.strip().lower()
        if plain_names[place] not in said and custom_key(own_name) is not None:
            field_at[place] = own_name
    free = [None if name in said else name for name in plain_names]
    for field, synonyms in names.items():
        if field in field_at.values() and field not in repeated:
            continue
        places = [place for name in synonyms for place, each in enumerate(free) if each == name]
        unused = [place for place in places if place not in field_at]
        field_at |= dict.fromkeys(unused if field in repeated else unused[:1], field)
    return tuple(
        ColumnUse(header=shown(name.strip()), field=field_at.get(place))
        for place, name in enumerate(header)
    )


def told(columns: Sequence[ColumnUse], are_filled: Sequence[bool]) -> tuple[ColumnUse, ...]:
    """Return the columns that a report tells of: those in use, and others that hold something."""
    used = [column for column in columns if column.field is not None]
    others = [
        column
        for column, is_filled in zip(columns, are_filled, strict=True)
        if column.field is None and is_filled
    ]
    return (*used, *others[:_unused_told_max])


def _name(header: str) -> str:
    name = plain(header)
    match = _CUSTOM.fullmatch(name)
    return match[1] if match else name

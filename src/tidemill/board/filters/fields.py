"""The fields of the filter language: whatever it offers, it offers by an entry here."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """What the values of a field are."""

    CHOICE = "one of a few words"
    STATUS = "a status"
    TYPE = "a kind of item"
    STATE = "what a status means"
    PERSON = "`me`, `none`, a name or an id"
    PROJECT = "a project's key or id"
    ITEM = "an item's key or id"
    INSTANT = "a day, an instant, or a time from now"
    DAY = "a day, or days from now"
    NUMBER = "a whole number"
    SPRINT = "`active`, `none`, a sprint's name or id"
    LABEL = "`none`, a label's name or id"
    EXACT = "a text as a whole"
    WORDS = "words"
    PRESENCE = "a field that can be empty"
    CUSTOM = "what the custom field takes"


class Field(Struct, frozen=True, kw_only=True):
    """One field: what it is called, and the column of items that it looks at.

    `choices` are in order, the least first. One that `is_optional` may be empty: `none`, `has:`
    and `no:` speak of that.
    """

    name: str
    kind: Kind
    column: str
    summary: str
    example: str
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    is_ordered: bool = False
    is_optional: bool = False


class Sorting(Struct, frozen=True, kw_only=True):
    """One order of a list; one that `needs_project` means something within a project alone."""

    name: str
    column: str
    summary: str
    needs_project: bool = False


NONE: Final = "none"

_FIELDS: Final = (
    Field(
        name="status",
        kind=Kind.STATUS,
        column="status",
        summary="The status of the item, by its key or name in any project.",
        example="status:todo,in_progress",
    ),
    Field(
        name="is",
        kind=Kind.STATE,
        column="status_category",
        summary="What its status means: `open` is all but `closed`, which is done or cancelled.",
        example="is:open",
        aliases=("category",),
    ),
    Field(
        name="type",
        kind=Kind.TYPE,
        column="item_type",
        summary="Its kind, by key or name: epic, story, task, bug or one of the tenant's own.",
        example="type:bug",
        aliases=("kind",),
    ),
    Field(
        name="project",
        kind=Kind.PROJECT,
        column="project_id",
        summary="The project that it belongs to.",
        example="project:TM",
    ),
    Field(
        name="key",
        kind=Kind.ITEM,
        column="id",
        summary="The item itself.",
        example="key:TM-12,TM-13",
        aliases=("id",),
    ),
    Field(
        name="parent",
        kind=Kind.ITEM,
        column="parent_id",
        summary="The item right above it.",
        example="parent:TM-1",
        is_optional=True,
    ),
    Field(
        name="assignee",
        kind=Kind.PERSON,
        column="assignee_id",
        summary="Who shall do it.",
        example="assignee:me",
        is_optional=True,
    ),
    Field(
        name="creator",
        kind=Kind.PERSON,
        column="created_by",
        summary="Who made it.",
        example='creator:"Ada Lovelace"',
    ),
    Field(
        name="priority",
        kind=Kind.CHOICE,
        column="priority",
        summary="How much it matters.",
        example="priority>=high",
        choices=("low", "medium", "high", "critical"),
        is_ordered=True,
    ),
    Field(
        name="sprint",
        kind=Kind.SPRINT,
        column="sprint_id",
        summary="The sprint that it lies in.",
        example="sprint:active",
        is_optional=True,
    ),
    Field(
        name="label",
        kind=Kind.LABEL,
        column="labels",
        summary="A label that it bears.",
        example="label:urgent",
        is_optional=True,
    ),
    Field(
        name="points",
        kind=Kind.NUMBER,
        column="points",
        summary="How large it is.",
        example="points:3..8",
        is_optional=True,
    ),
    Field(
        name="due",
        kind=Kind.DAY,
        column="due_date",
        summary="The day until which it shall be done.",
        example="due<7d",
        is_optional=True,
    ),
    Field(
        name="start",
        kind=Kind.DAY,
        column="start_date",
        summary="The day on which it shall begin.",
        example="start<=today",
        is_optional=True,
    ),
    Field(
        name="blocked",
        kind=Kind.CHOICE,
        column="blocked",
        summary="Whether it is unfinished and an unfinished item blocks it.",
        example="blocked:yes",
        choices=("no", "yes"),
    ),
    Field(
        name="created",
        kind=Kind.INSTANT,
        column="created_at",
        summary="When it was made.",
        example="created:2026-01-01..2026-01-31",
    ),
    Field(
        name="updated",
        kind=Kind.INSTANT,
        column="updated_at",
        summary="When it was changed last.",
        example="updated>-7d",
    ),
    Field(
        name="external_id",
        kind=Kind.EXACT,
        column="external_id",
        summary="The id that it was imported with.",
        example="external_id:JIRA-7",
        is_optional=True,
    ),
    Field(
        name="title",
        kind=Kind.WORDS,
        column="title",
        summary="Words of its title.",
        example='title:"tide tables"',
    ),
    Field(
        name="text",
        kind=Kind.WORDS,
        column="text",
        summary="Words of its title or description, as without a field.",
        example="text:sluice",
    ),
    Field(
        name="comment",
        kind=Kind.WORDS,
        column="comments",
        summary="Words of one of its comments.",
        example='comment:"low water"',
    ),
    Field(
        name="has",
        kind=Kind.PRESENCE,
        column="",
        summary="The named field is not empty.",
        example="has:assignee",
    ),
    Field(
        name="no",
        kind=Kind.PRESENCE,
        column="",
        summary="The named field is empty.",
        example="no:parent",
    ),
)
_SORTINGS: Final = (
    Sorting(name="created", column="created_at", summary="Oldest first."),
    Sorting(name="updated", column="updated_at", summary="Oldest change first."),
    Sorting(name="priority", column="urgency", summary="Most important first."),
    Sorting(
        name="due",
        column="due_order",
        summary="Due first; what has no such day comes as the last.",
    ),
    Sorting(
        name="points",
        column="points_order",
        summary="Smallest first; what has no points comes as the largest.",
    ),
    Sorting(name="number", column="number", summary="By number.", needs_project=True),
    Sorting(
        name="rank",
        column="rank",
        summary="As people ordered the items of the project.",
        needs_project=True,
    ),
)

FIELDS: Final = {field.name: field for field in _FIELDS}
BY_WORD: Final = {word: field for field in _FIELDS for word in (field.name, *field.aliases)}
SORTINGS: Final = {sorting.name: sorting for sorting in _SORTINGS}
OPTIONAL: Final = {field.name: field for field in _FIELDS if field.is_optional}
COMPARABLE: Final = frozenset({Kind.INSTANT, Kind.DAY, Kind.NUMBER, Kind.CUSTOM})
CUSTOM_PREFIX: Final = "cf."
"""What stands before the key of a custom field."""


def can_compare(field: Field) -> bool:
    """Return whether values of a field come before and after others."""
    return field.is_ordered or field.kind in COMPARABLE


def field_named(word: str) -> Field | None:
    """Return the field that `word` names in any case, custom ones among them."""
    name = word.lower()
    if not name.startswith(CUSTOM_PREFIX):
        return BY_WORD.get(name)
    return Field(
        name=name,
        kind=Kind.CUSTOM,
        column=name.removeprefix(CUSTOM_PREFIX),
        summary="A custom field.",
        example=f"{name}:none",
        is_optional=True,
    )


def sorting_named(name: str) -> Sorting | None:
    """Return the order that `name` names, by a custom field among them."""
    if name in SORTINGS or not name.startswith(CUSTOM_PREFIX):
        return SORTINGS.get(name)
    return Sorting(name=name, column=name, summary="By a custom field.")


def sorting_of(name: str) -> Sorting:
    """Return the order that a parsed filter names; raises `KeyError` for what none can."""
    return sorting_named(name) or SORTINGS[name]


def custom_key(column: str) -> str | None:
    """Return the key of a custom field, None for what is none."""
    return column.removeprefix(CUSTOM_PREFIX) if column.startswith(CUSTOM_PREFIX) else None


def field_of(name: str) -> Field:
    """Return the field that a parsed filter names; raises `KeyError` for what none can."""
    return field_named(name) or FIELDS[name]

"""A dependency between two work items."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.activities.masking import key_separator
from tidemill.board.contract import FieldChange, ProjectId, WorkItemId
from tidemill.board.dependency_facts import DependencyState
from tidemill.core.clock import Instant


class DependencyType(StrEnum):
    """What the first item does to the second; only `blocks` says what comes first."""

    BLOCKS = "blocks"
    RELATES_TO = "relates_to"
    DUPLICATES = "duplicates"


class LinkedItem(Struct, frozen=True):
    """As much of a work item as a dependency shows."""

    id: WorkItemId
    project_id: ProjectId
    project_key: str
    number: int
    title: str
    status: str
    # Answers that were kept before statuses had a category of their own have none.
    status_category: str | None = None

    @property
    def key(self) -> str:
        """Return the number that people see, such as `TM-12`."""
        return f"{self.project_key}-{self.number}"


class Dependency(Struct, frozen=True, kw_only=True):
    """`blocking` stands first: it blocks, relates to or duplicates `blocked`."""

    id: str
    dependency_type: DependencyType
    blocking: LinkedItem
    blocked: LinkedItem
    created_at: Instant
    created_by: str

    def told(self) -> str:
        """Return the dependency as a sentence: `TM-3 blocks TM-7`."""
        return f"{self.blocking.key} {self.dependency_type.value} {self.blocked.key}"

    def state(self) -> DependencyState:
        """Return what facts carry of the dependency."""
        return DependencyState(
            id=self.id,
            dependency_type=self.dependency_type.value,
            blocking_item_id=self.blocking.id,
            blocking_item_key=self.blocking.key,
            blocking_project_id=self.blocking.project_id,
            blocked_item_id=self.blocked.id,
            blocked_item_key=self.blocked.key,
            blocked_project_id=self.blocked.project_id,
            created_at=self.created_at,
            created_by=self.created_by,
        )


class NewDependency(Struct, frozen=True, kw_only=True):
    """What a caller gives to join two items, each by id or key.

    With `close` the item that duplicates the other one is cancelled, too.
    """

    dependency_type: DependencyType
    blocking: str
    blocked: str
    close: bool = False


class DependencyFilter(Struct, frozen=True, kw_only=True):
    """Which dependencies a list holds; what is None does not matter."""

    project_id: ProjectId | None = None
    dependency_type: DependencyType | None = None


# What the history of the first item, and of the second, calls a dependency.
FIELDS: Final = {
    DependencyType.BLOCKS: ("blocks", "blocked_by"),
    DependencyType.RELATES_TO: ("relates_to", "relates_to"),
    DependencyType.DUPLICATES: ("duplicates", "duplicated_by"),
}


def changes_of(
    dependencies: list[Dependency], *, removed: bool = False
) -> dict[WorkItemId, tuple[FieldChange, ...]]:
    """Return what the history of each item says when it is joined to others, or no longer is."""
    named: dict[WorkItemId, dict[str, list[str]]] = {}
    for each in dependencies:
        first, second = FIELDS[each.dependency_type]
        named.setdefault(each.blocking.id, {}).setdefault(first, []).append(each.blocked.key)
        named.setdefault(each.blocked.id, {}).setdefault(second, []).append(each.blocking.key)
    return {
        item_id: tuple(_change(field, keys, removed=removed) for field, keys in fields.items())
        for item_id, fields in named.items()
    }


def _change(field: str, keys: list[str], *, removed: bool) -> FieldChange:
    value = key_separator.join(keys)
    return FieldChange(
        field_name=field,
        old_value=value if removed else None,
        new_value=None if removed else value,
    )

"""What is told of many items that change at once; a part of the board's contract."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tidemill.board.contract import (
    BoardFact,
    FieldChange,
    LabelId,
    ProjectId,
    WorkItemId,
    WorkItemState,
    item_topics,
    project_topic,
)
from tidemill.core.facts import Topic


class ItemStep(Struct, frozen=True, kw_only=True):
    """An item with its new version, and what was changed to come there.

    `label_ids` and `status_category` are what it has now; deleted labels stay among them.
    """

    work_item_id: WorkItemId
    key: str
    version: int
    status: str
    status_category: str | None
    label_ids: tuple[LabelId, ...]
    changes: tuple[FieldChange, ...] = ()

    @classmethod
    def of(cls, item: WorkItemState, changes: tuple[FieldChange, ...]) -> ItemStep:
        """Return what led to `item`."""
        return cls(
            work_item_id=item.id,
            key=item.key,
            version=item.version,
            status=item.status,
            status_category=item.status_category,
            label_ids=item.label_ids,
            changes=changes,
        )


class BulkFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of many items of one project that changed in one step."""

    project_id: ProjectId
    items: tuple[ItemStep, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project and each item."""
        items = (item_topics(each.work_item_id, self.project_id)[0] for each in self.items)
        return (project_topic(self.project_id), *items)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id


class WorkItemsUpdated(BulkFact, frozen=True, kw_only=True):
    """Fields of many work items of a project changed at once; each has a new version."""

    of_one: ClassVar[str | None] = "WorkItemUpdated"


class WorkItemsDeleted(BulkFact, frozen=True, kw_only=True):
    """Many work items of a project were deleted at once; they can be restored."""

    of_one: ClassVar[str | None] = "WorkItemDeleted"


class WorkItemsRestored(BulkFact, frozen=True, kw_only=True):
    """Many deleted work items of a project came back at once: read them again."""

    of_one: ClassVar[str | None] = "WorkItemRestored"

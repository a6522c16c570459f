"""What is told of items that go to another project; a part of the board's contract."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.contract import (
    BoardFact,
    ProjectId,
    WorkItemId,
    WorkItemState,
    item_topics,
    project_topic,
)
from tidemill.core.facts import Topic


class Rekeyed(Struct, frozen=True, kw_only=True):
    """An item with the key that it had and the one that it has now."""

    id: WorkItemId
    old_key: str
    key: str
    version: int


class WorkItemTransferred(BoardFact, frozen=True, kw_only=True):
    """An item went to another project, with those below it; read the others again.

    `work_item` is the item itself as it is there, and the first of `items`, which are all that
    went. Their former keys go on naming them.
    """

    work_item: WorkItemState
    from_project_id: ProjectId
    items: tuple[Rekeyed, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return both projects and each item."""
        here = self.work_item.project_id
        items = (topic for each in self.items for topic in item_topics(each.id, here))
        return tuple(dict.fromkeys((project_topic(self.from_project_id), *items)))

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item.id

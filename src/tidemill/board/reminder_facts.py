"""What is told of items that are due soon; a part of the board's contract."""

from __future__ import annotations

from tidemill.board.contract import BoardFact, ProjectId, WorkItemId, item_topics
from tidemill.core.facts import Topic


class WorkItemDueSoon(BoardFact, frozen=True, kw_only=True):
    """An item is due tomorrow where its assignee is; told once for each such day."""

    work_item_id: WorkItemId
    project_id: ProjectId
    key: str
    due_date: str
    assignee_id: str

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item_id

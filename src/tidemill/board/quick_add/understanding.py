"""What became of a line's words: the item that it would make."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from tidemill.board.labels.models import ItemLabel
from tidemill.board.projects.models import Project
from tidemill.board.quick_add.models import Draft
from tidemill.board.sprint_scope.models import OpenSprint
from tidemill.board.work_items.models import (
    Assignee,
    NewWorkItem,
    Priority,
    WorkItem,
)


class Understood(Struct, frozen=True, kw_only=True):
    """The item that a line would make, with what its names mean."""

    draft: Draft
    project: Project
    title: str
    item_type: str
    status: str
    priority: Priority
    parent: WorkItem | None
    assignee: Assignee | None
    labels: tuple[ItemLabel, ...]
    sprint: OpenSprint | None
    points: int | None
    start_date: date | None
    due_date: date | None

    def new(self, description: str | None) -> NewWorkItem:
        """Return what makes it."""
        return NewWorkItem(
            item_type=self.item_type,
            title=self.title,
            project=self.project.id,
            parent=self.parent.id if self.parent else None,
            description=description,
            status=self.status,
            priority=self.priority,
            assignee_id=self.assignee.id if self.assignee else None,
            points=self.points,
            start_date=self.start_date,
            due_date=self.due_date,
            labels=tuple(label.id for label in self.labels),
            sprint=self.sprint.id if self.sprint else None,
        )

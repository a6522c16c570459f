"""What is told of dependencies; a part of the board's contract."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.contract import BoardFact, ProjectId, WorkItemId, item_topics
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic


class DependencyState(Struct, frozen=True, kw_only=True):
    """A dependency as facts carry it; instants are microseconds."""

    id: str
    dependency_type: str
    blocking_item_id: WorkItemId
    blocking_item_key: str
    blocking_project_id: ProjectId
    blocked_item_id: WorkItemId
    blocked_item_key: str
    blocked_project_id: ProjectId
    created_at: Instant
    created_by: str


class DependencyFact(BoardFact, frozen=True, kw_only=True):
    """Base of what is told of one dependency."""

    dependency: DependencyState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return both items and their projects."""
        blocking = item_topics(
            self.dependency.blocking_item_id, self.dependency.blocking_project_id
        )
        blocked = item_topics(self.dependency.blocked_item_id, self.dependency.blocked_project_id)
        return tuple(dict.fromkeys((*blocking, *blocked)))

    @property
    def subject(self) -> str:
        """Return the dependency's id."""
        return self.dependency.id


class DependencyCreated(DependencyFact, frozen=True, kw_only=True):
    """Two items were joined."""


class DependencyDeleted(DependencyFact, frozen=True, kw_only=True):
    """Two items are joined no longer."""

    dependency_id: str
    blocking_item_id: WorkItemId
    blocked_item_id: WorkItemId


class WaitFact(BoardFact, frozen=True, kw_only=True):
    """Base of what is told of an item that waits for others."""

    work_item_id: WorkItemId
    key: str
    project_id: ProjectId
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the item and its project."""
        return item_topics(self.work_item_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the item's id."""
        return self.work_item_id


class WorkItemBlocked(WaitFact, frozen=True, kw_only=True):
    """An item that nothing held up waits for another one now."""


class WorkItemUnblocked(WaitFact, frozen=True, kw_only=True):
    """Nothing that is unfinished blocks the item any longer."""

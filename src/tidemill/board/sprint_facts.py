"""Facts about sprints, for those who follow the board."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.contract import BoardFact, FieldChange, ProjectId, SprintId, project_topic
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic, topic


class SprintState(Struct, frozen=True, kw_only=True):
    """A sprint as facts carry it; instants are microseconds, days the midnight in UTC."""

    id: SprintId
    project_id: ProjectId
    name: str
    goal: str | None
    start_date: Instant
    end_date: Instant
    status: str
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    deleted_at: Instant | None = None


class SprintCreated(BoardFact, frozen=True, kw_only=True):
    """A sprint was planned."""

    sprint: SprintState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the sprint and its project."""
        return sprint_topics(self.sprint.id, self.sprint.project_id)

    @property
    def subject(self) -> str:
        """Return the sprint's id."""
        return self.sprint.id


class SprintUpdated(BoardFact, frozen=True, kw_only=True):
    """Fields of a sprint changed, among them its status when it started or ended."""

    sprint: SprintState
    changes: tuple[FieldChange, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the sprint and its project."""
        return sprint_topics(self.sprint.id, self.sprint.project_id)

    @property
    def subject(self) -> str:
        """Return the sprint's id."""
        return self.sprint.id


class SprintDeleted(BoardFact, frozen=True, kw_only=True):
    """A sprint that held no items was deleted."""

    sprint_id: SprintId
    project_id: ProjectId
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the sprint and its project."""
        return sprint_topics(self.sprint_id, self.project_id)

    @property
    def subject(self) -> str:
        """Return the sprint's id."""
        return self.sprint_id


def sprint_topics(sprint_id: SprintId, project_id: ProjectId) -> tuple[Topic, ...]:
    """Return what to follow to hear of one sprint: the sprint itself or its project."""
    return topic("sprint", sprint_id), project_topic(project_id)

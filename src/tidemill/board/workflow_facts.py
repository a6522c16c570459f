"""Facts about workflows, for those who follow the board."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.contract import BoardFact, ProjectId, project_topic
from tidemill.core.facts import Topic


class StatusState(Struct, frozen=True, kw_only=True):
    """A status as facts carry it."""

    key: str
    name: str
    category: str
    color: str | None


class StatusMove(Struct, frozen=True, kw_only=True):
    """How many items came from one status into another, or into another category of it."""

    old_status: str
    new_status: str
    new_category: str
    count: int


class WorkflowChanged(BoardFact, frozen=True, kw_only=True):
    """A project's statuses or moves changed; `moves` tells which of its items did with them.

    Those items have new versions, and no facts of their own.
    """

    project_id: ProjectId
    version: int
    initial: str
    statuses: tuple[StatusState, ...]
    moves: tuple[StatusMove, ...]
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return the project."""
        return (project_topic(self.project_id),)

    @property
    def subject(self) -> str:
        """Return the project's id."""
        return self.project_id
